//! Traps, received by snmptrapd, when a threshold is breached and when it clears.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::agent::{Agent, free_udp_port, wait_for};

/// snmptrapd with a log of its own.
pub struct Receiver {
    directory: tempfile::TempDir,
    pub port: u16,
    child: Option<Child>,
}

impl Receiver {
    /// One that accepts the community `traps`.
    fn start() -> Receiver {
        let mut receiver = Receiver::off();
        receiver.run("authCommunity log,execute,net traps\n");
        receiver
    }

    /// One that isn't there yet.
    pub fn off() -> Receiver {
        Receiver { directory: crate::agent::directory(), port: free_udp_port(), child: None }
    }

    /// Starts it with these identities; what it knew of its engine and what it logged before stays.
    pub fn run(&mut self, identities: &str) {
        let starts = self.count("NET-SNMP version");
        self.child = Some(Receiver::spawn(self.directory.path(), self.port, identities));
        wait_for("snmptrapd", || (self.count("NET-SNMP version") > starts).then_some(()));
    }

    /// Ends it.
    pub fn stop(&mut self) {
        if let Some(mut child) = self.child.take() {
            // Told, not killed: it then writes how often it started.
            let _ = Command::new("kill").arg(child.id().to_string()).status();
            child.wait().expect("a child");
        }
    }

    /// Ends it, and makes it another engine.
    pub fn forget(&mut self) {
        self.stop();
        fs::remove_dir_all(self.directory.path().join("persistent")).expect("its state");
    }

    /// Ends it, and makes the same engine believe that it never started before.
    pub fn forget_boots(&mut self) {
        self.stop();
        let path = self.directory.path().join("persistent/snmptrapd.conf");
        let text = fs::read_to_string(&path).expect("its state");
        let line = text.lines().find(|line| line.starts_with("engineBoots ")).expect("its boots");
        fs::write(&path, text.replace(line, "engineBoots 0")).expect("its state");
    }

    fn spawn(directory: &Path, port: u16, identities: &str) -> Child {
        let (own, persistent) = (directory.join("own"), directory.join("persistent"));
        fs::create_dir_all(&own).expect("a directory");
        let text = format!("snmpTrapdAddr udp:127.0.0.1:{port}\n{identities}format2 V2 %P|%B|%v\\n\n");
        fs::write(own.join("snmptrapd.conf"), text).expect("a file");
        // Not `-C -c`: with these it doesn't read how often it started, and is another engine each time.
        Command::new("snmptrapd")
            .env("MIBS", ":")
            .env("SNMP_PERSISTENT_DIR", &persistent)
            .env("SNMPCONFPATH", format!("{}:{}", own.display(), persistent.display()))
            .args(["-f", "-n", "-On", "-A"])
            .arg("-Lf")
            .arg(directory.join("log"))
            .arg("-p")
            .arg(directory.join("pid"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("snmptrapd; tests/setup installs what the tests need")
    }

    /// All that it logged.
    pub fn log(&self) -> String {
        fs::read_to_string(self.directory.path().join("log")).unwrap_or_default()
    }

    /// How often this is in the log.
    pub fn count(&self, text: &str) -> usize {
        self.log().matches(text).count()
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn configuration(version: &str, port: u16) -> String {
    format!(
        r#"
        [[notify.snmp]]
        name = "nms"
        target = "udp:127.0.0.1:{port}"
        version = "{version}"
        community = "traps"
        [[rule]]
        name = "memory-test"
        metric = "memory_used_ratio"
        warning = 0.80
        critical = 0.95
        clear = 0.70
        "#
    )
}

/// Makes the fake root's memory this much used, in percent.
pub fn use_memory(agent: &Agent, percent: u32) {
    let path = agent.root("proc/meminfo");
    let text = fs::read_to_string(&path).expect("a file");
    let total: u64 = text
        .lines()
        .find_map(|line| line.strip_prefix("MemTotal:"))
        .and_then(|rest| rest.split_whitespace().next())
        .and_then(|number| number.parse().ok())
        .expect("MemTotal");
    let available = total * u64::from(100 - percent) / 100;
    let lines: Vec<String> = text
        .lines()
        .map(
            |line| {
                if line.starts_with("MemAvailable:") { format!("MemAvailable: {available} kB") } else { line.into() }
            },
        )
        .collect();
    let fresh = path.with_extension("new");
    fs::write(&fresh, lines.join("\n") + "\n").expect("a file");
    fs::rename(fresh, path).expect("a renaming");
}

#[test]
fn version_2c_raises_changes_and_clears() {
    let receiver = Receiver::start();
    let mut agent = Agent::on_fixture(&configuration("2c", receiver.port));
    wait_for("coldStart", || {
        receiver.log().contains(".1.3.6.1.6.3.1.1.4.1.0 = OID: .1.3.6.1.6.3.1.1.5.1").then_some(())
    });
    let trap = |arc: u32| format!(".1.3.6.1.6.3.1.1.4.1.0 = OID: .1.3.6.1.4.1.32473.1.0.{arc}");
    let seen = |arc: u32| {
        receiver.log().lines().filter(|line| line.contains(&trap(arc)) && line.contains("memory-test")).count()
    };
    use_memory(&agent, 85);
    wait_for("the raise", || (seen(1) == 1).then_some(()));
    use_memory(&agent, 97);
    wait_for("the change", || (seen(2) == 1).then_some(()));
    // Killed while the alarm is active: it is still there, and nobody is told again.
    agent.kill_and_restart();
    wait_for("the second coldStart", || (receiver.count(".1.3.6.1.6.3.1.1.5.1") == 2).then_some(()));
    let alarms = agent.snmp("snmpwalk", &["-v2c", "-c", "public"], &["1.3.6.1.4.1.32473.1.1.4"]);
    assert!(alarms.contains("memory-test"), "{alarms}");
    // Above the clear level: hysteresis keeps it, as a warning.
    use_memory(&agent, 75);
    use_memory(&agent, 60);
    wait_for("the clear", || (seen(3) == 1).then_some(()));
    assert_eq!(seen(1), 1, "raised once: {}", receiver.log());
    // sysUpTime.0 and snmpTrapOID.0 come first, in that order.
    let line = receiver.log().lines().find(|line| line.contains(&trap(1))).expect("a raise").to_string();
    let names: Vec<&str> = line.rsplit_once('|').map(|(_, rest)| rest).unwrap_or(&line).split('\t').collect();
    assert!(names[0].starts_with(".1.3.6.1.2.1.1.3.0 = "), "{line}");
    assert!(names[1].starts_with(".1.3.6.1.6.3.1.1.4.1.0 = "), "{line}");
}

#[test]
fn version_1_raises_and_clears() {
    let receiver = Receiver::start();
    let agent = Agent::on_fixture(&configuration("1", receiver.port));
    wait_for("coldStart", || receiver.log().contains("Cold Start").then_some(()));
    use_memory(&agent, 99);
    // Other alarms of the fake host are told too: the trap's own line stands before the one with its variables.
    let seen = |arc: u32| {
        let log = receiver.log();
        let kind = format!("Enterprise Specific Trap ({arc})");
        log.lines().zip(log.lines().skip(1)).any(|(line, next)| line.contains(&kind) && next.contains("memory-test"))
    };
    wait_for("the raise", || seen(1).then_some(()));
    use_memory(&agent, 10);
    wait_for("the clear", || seen(3).then_some(()));
}
