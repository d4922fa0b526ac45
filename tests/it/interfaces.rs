//! Interfaces as ip(8) and snmpd have them: on this machine, and in a network namespace of the test's own, where bridges
//! and links come and go and where there are a thousand of them.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::agent::{Agent, directory, free_udp_port, run, stderr, stdout, vitalsd, wait_for};

/// A column of ifTable.
const IF_TABLE: &str = "1.3.6.1.2.1.2.2.1";
/// A column of ifXTable.
const IF_X_TABLE: &str = "1.3.6.1.2.1.31.1.1.1";
/// Whose names the agent leaves out by default.
const EXCLUDED: &[&str] = &["veth", "cali", "lxc"];

/// `ip -s -j link`, by name.
fn links(text: &str) -> BTreeMap<String, Value> {
    let links: Vec<Value> = serde_json::from_str(text).expect("JSON");
    let name = |link: &Value| link["ifname"].as_str().expect("a name").to_string();
    links.into_iter().map(|link| (name(&link), link)).collect()
}

/// A walk printed by `-Onq`, the value by what follows the column.
fn column(walk: &str, column: &str) -> BTreeMap<String, String> {
    let lines = walk.lines().filter_map(|line| line.strip_prefix('.')?.strip_prefix(column)?.strip_prefix('.'));
    let pairs = lines.filter_map(|line| line.split_once(' '));
    pairs.map(|(index, value)| (index.to_string(), value.trim().trim_matches('"').trim().to_string())).collect()
}

/// ifIndex by ifName.
fn numbers(walk: &str) -> BTreeMap<String, String> {
    column(walk, &format!("{IF_X_TABLE}.1")).into_iter().map(|(number, name)| (name, number)).collect()
}

const WALK: &[&str] = &["-v2c", "-c", "public", "-Onq", "-Oe", "-Cr25"];

/// How often interfaces were collected.
fn collections(page: &str) -> u64 {
    let line = page.lines().find(|line| line.starts_with("vitals_section_collections_total{section=\"interface\"}"));
    line.and_then(|line| line.rsplit_once(' ')).map_or(0, |(_, number)| number.parse().expect("a number"))
}

/// Waits for a collection that began after this.
fn collected_anew(page: impl Fn() -> String) {
    let before = collections(&page());
    wait_for("two collections", || (collections(&page()) >= before + 2).then_some(()));
}

#[test]
fn this_machines_interfaces_are_those_of_ip_and_snmpd() {
    let agent = Agent::on_this_machine("");
    let peer = Snmpd::start();
    let ip = || links(&stdout(&run(Command::new("ip").args(["-s", "-j", "link"]))));
    let before = ip();
    collected_anew(|| agent.page("/metrics"));
    let walk =
        agent.snmp("snmpbulkwalk", WALK, &["1.3.6.1.2.1.2"]) + &agent.snmp("snmpbulkwalk", WALK, &["1.3.6.1.2.1.31"]);
    let after = ip();
    let theirs = peer.walk("1.3.6.1.2.1.2") + &peer.walk("1.3.6.1.2.1.31");
    let (own, others) = (numbers(&walk), numbers(&theirs));
    let shown: Vec<_> =
        before.keys().filter(|name| !EXCLUDED.iter().any(|prefix| name.starts_with(prefix))).cloned().collect();
    assert_eq!(own.keys().cloned().collect::<Vec<_>>(), shown);
    for (name, number) in &own {
        // Between what ip said before and after.
        for (column_number, direction, field) in [
            ("6", "rx", "bytes"),
            ("7", "rx", "packets"),
            ("8", "rx", "multicast"),
            ("10", "tx", "bytes"),
            ("11", "tx", "packets"),
        ] {
            let counters = column(&walk, &format!("{IF_X_TABLE}.{column_number}"));
            let number_of = |links: &BTreeMap<String, Value>, field: &str| {
                links[name]["stats64"][direction][field].as_u64().expect("a counter")
            };
            let expected = |links| match field {
                "packets" if direction == "rx" => number_of(links, "packets") - number_of(links, "multicast"),
                field => number_of(links, field),
            };
            let served: u64 = counters[number].parse().expect("a number");
            let (least, most) = (expected(&before), expected(&after));
            assert!((least..=most).contains(&served), "{name} {direction} {field}: {least} <= {served} <= {most}");
        }
        for (column_number, direction, field) in
            [("14", "rx", "errors"), ("20", "tx", "errors"), ("19", "tx", "dropped")]
        {
            let errors = &before[name]["stats64"][direction][field];
            assert_eq!(
                column(&walk, &format!("{IF_TABLE}.{column_number}"))[number],
                errors.to_string(),
                "{name} {field}"
            );
        }
        assert_eq!(column(&walk, &format!("{IF_TABLE}.4"))[number], before[name]["mtu"].to_string());
        // ifType, ifMtu, ifPhysAddress, ifAdminStatus, ifOperStatus; speeds are left, as net-snmp invents the loopback's.
        for number_of_column in ["3", "4", "6", "7", "8"] {
            let column_of = format!("{IF_TABLE}.{number_of_column}");
            let both = (&column(&walk, &column_of)[number], &column(&theirs, &column_of)[&others[name]]);
            assert_eq!(both.0, both.1, "{name}: column {number_of_column}");
        }
    }
}

/// A thousand and one, and what they cost. The bound is that of a build without optimization on a busy machine; with
/// it a collection is below 10 ms.
#[test]
fn a_thousand_interfaces_are_cheap() {
    let namespace = Namespace::start();
    let pairs: Vec<String> = (0..500).map(|pair| format!("link add a{pair} type veth peer name b{pair}\n")).collect();
    let file = namespace.directory.path().join("pairs");
    fs::write(&file, pairs.concat()).expect("a file");
    namespace.run("ip", &["-batch", &file.display().to_string()]);
    let agent = InNamespace::start(&namespace);
    let cost = |text: &str| -> f64 {
        let line = text.lines().find(|line| line.starts_with("vitals_section_duration_seconds{section=\"interface\"}"));
        line.and_then(|line| line.rsplit_once(' ')).expect("a duration").1.parse().expect("a number")
    };
    // The first collection reads what later ones keep.
    let least = (0..4).map(|_| {
        collected_anew(|| agent.page());
        cost(&agent.page())
    });
    let least = least.fold(f64::INFINITY, f64::min);
    assert!(least < 1.0, "{least} s");
    let walk = agent.walk("1.3.6.1.2.1.2");
    assert_eq!(column(&walk, "1.3.6.1.2.1.2.1")["0"], "1001");
    assert_eq!(column(&walk, &format!("{IF_TABLE}.22")).len(), 1001);
}

#[test]
fn links_come_and_go_and_keep_their_numbers() {
    let namespace = Namespace::start();
    for command in [
        "link add br0 type bridge",
        "link set br0 up",
        "link add p0 type veth peer name q0",
        "link add p1 type veth peer name q1",
        "link set p0 master br0 up",
        "link set p1 master br0 up",
        "link set q0 up",
        "link set q1 up",
        "link add link q1 name m0 type macvlan",
        "link set m0 alias uplink",
        "link set p1 promisc on",
    ] {
        namespace.run("ip", &command.split(' ').collect::<Vec<_>>());
    }
    let agent = InNamespace::start(&namespace);
    let look = || {
        collected_anew(|| agent.page());
        ["1.3.6.1.2.1.2", "1.3.6.1.2.1.17", "1.3.6.1.2.1.31"].map(|root| agent.walk(root)).concat()
    };
    let start = look();
    let own = numbers(&start);
    let of = |walk: &str, table: &str, number: &str, name: &str| {
        column(walk, &format!("{table}.{number}")).get(&own[name]).cloned().unwrap_or_default()
    };
    let types = ["br0", "p0", "m0", "lo"].map(|name| of(&start, IF_TABLE, "3", name));
    assert_eq!(types, ["209", "6", "6", "24"]);
    assert_eq!(["m0", "p1"].map(|name| of(&start, IF_X_TABLE, "18", name)), ["uplink", ""]);
    assert_eq!(["m0", "p1"].map(|name| of(&start, IF_X_TABLE, "16", name)), ["2", "1"], "ifPromiscuousMode");
    assert_eq!(of(&start, IF_X_TABLE, "15", "p1"), "10000");
    let stack = |walk: &str| column(walk, "1.3.6.1.2.1.31.1.2.1.3").into_keys().collect::<Vec<_>>();
    let pair = |higher: &str, lower: &str| {
        let number = |name: &str| own.get(name).map_or("0", String::as_str);
        format!("{}.{}", number(higher), number(lower))
    };
    for (higher, lower) in [("br0", "p0"), ("br0", "p1"), ("m0", "q1"), ("", "br0"), ("p0", ""), ("", "q0"), ("q0", "")]
    {
        assert!(stack(&start).contains(&pair(higher, lower)), "{higher} on {lower}: {:?}", stack(&start));
    }
    assert_eq!(stack(&start).len(), 3 + 4 + 5, "three relations, what is on top, and what is below");
    let ports = column(&start, "1.3.6.1.2.1.17.1.4.1.2");
    assert_eq!(ports.values().collect::<Vec<_>>(), [&own["p0"], &own["p1"]]);
    assert_eq!(column(&start, "1.3.6.1.2.1.17.2.15.1.3")["1"], "5", "forwarding");
    let identifier = column(&start, "1.3.6.1.2.1.17.2.5")["0"].replace(' ', "").to_lowercase();
    assert_eq!(column(&start, "1.3.6.1.2.1.17.2.12")["0"], "2000", "the root's own time");
    let sysfs = stdout(&namespace.command("cat", &["/sys/class/net/br0/bridge/root_id"]).output().expect("cat"));
    assert_eq!(identifier, sysfs.trim().replace('.', ""));
    let changed =
        |walk: &str| ["5", "6"].map(|number| column(walk, &format!("1.3.6.1.2.1.31.1.{number}"))["0"].clone());
    assert_eq!(changed(&start).map(|time| is_zero(&time)), [true, true]);
    assert!(is_zero(&of(&start, IF_TABLE, "9", "p1")));

    // The other end goes down: p1 loses its carrier.
    namespace.run("ip", &["link", "set", "q1", "down"]);
    let down = look();
    assert_eq!(of(&start, IF_TABLE, "8", "p1"), "1");
    assert_ne!(of(&down, IF_TABLE, "8", "p1"), "1");
    assert!(!is_zero(&of(&down, IF_TABLE, "9", "p1")), "ifLastChange");
    assert!(is_zero(&of(&down, IF_TABLE, "9", "br0")) && is_zero(&changed(&down)[0]));

    // Another device of the same name has another number in the kernel, and the same ifIndex.
    namespace.run("ip", &["link", "del", "p0"]);
    let gone = look();
    assert!(!numbers(&gone).contains_key("p0") && numbers(&gone)["p1"] == own["p1"]);
    namespace.run("ip", &["link", "add", "p0", "type", "veth", "peer", "name", "q0"]);
    let again = look();
    assert_eq!(numbers(&again), own);
    assert!(!is_zero(&of(&again, IF_X_TABLE, "19", "p0")), "ifCounterDiscontinuityTime");
    assert!(is_zero(&of(&again, IF_X_TABLE, "19", "p1")));
    assert!(changed(&again).iter().all(|time| !is_zero(time)), "{:?}", changed(&again));

    // A reload forgets none of it.
    agent.hang_up();
    let reloaded = look();
    assert_eq!(
        (changed(&reloaded), of(&reloaded, IF_TABLE, "9", "p1")),
        (changed(&again), of(&down, IF_TABLE, "9", "p1"))
    );
}

/// Whether TimeTicks, as `-Oq` prints them, are zero.
fn is_zero(ticks: &str) -> bool {
    assert!(ticks.contains(':'), "no TimeTicks: {ticks}");
    ticks.chars().all(|letter| matches!(letter, '0' | ':' | '.'))
}

/// A network namespace with a loopback; it goes with the value.
pub struct Namespace {
    directory: tempfile::TempDir,
    holder: Child,
}

impl Namespace {
    pub fn start() -> Namespace {
        let directory = directory();
        let ready = directory.path().join("ready");
        let script =
            format!("mount -t sysfs sysfs /sys && ip link set lo up && touch {} && exec sleep 600", ready.display());
        let mut command = Command::new("unshare");
        command.args(["--map-root-user", "--net", "--mount", "sh", "-c", &script]);
        let holder = command.stdout(Stdio::null()).spawn().expect("unshare");
        let namespace = Namespace { directory, holder };
        wait_for("the namespace", || ready.exists().then_some(()));
        namespace
    }

    /// A program in it; the process is the program itself.
    pub fn command(&self, program: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new("nsenter");
        command.args([
            "--user",
            "--net",
            "--mount",
            "--preserve-credentials",
            "--target",
            &self.holder.id().to_string(),
        ]);
        command.arg(program).args(arguments);
        command
    }

    pub fn run(&self, program: &str, arguments: &[&str]) -> String {
        let output = run(&mut self.command(program, arguments));
        assert!(output.status.success(), "{program} {arguments:?}: {}", stderr(&output));
        stdout(&output)
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        let _ = self.holder.kill();
        let _ = self.holder.wait();
    }
}

/// An agent in a namespace.
pub struct InNamespace<'a> {
    namespace: &'a Namespace,
    child: Child,
}

impl InNamespace<'_> {
    fn start(namespace: &Namespace) -> InNamespace<'_> {
        InNamespace::start_with(namespace, "")
    }

    /// With `more` in the section `collect` of its configuration.
    pub fn start_with<'a>(namespace: &'a Namespace, more: &str) -> InNamespace<'a> {
        let path = namespace.directory.path();
        let text = format!(
            r#"
            [agent]
            state_dir = "{path}/state"
            [snmp]
            listen = ["udp:127.0.0.1:1161"]
            [[snmp.community]]
            name = "public"
            [http]
            listen = "127.0.0.1:9100"
            [collect]
            interval = "1s"
            interface = {{ exclude = [] }}
            {more}
            "#,
            path = path.display()
        );
        let file = path.join("vitalsd.toml");
        fs::write(&file, text).expect("a configuration");
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).expect("permissions");
        let program = vitalsd().get_program().to_string_lossy().into_owned();
        let mut command = namespace.command(&program, &["run", "--config", &file.display().to_string()]);
        let log = fs::File::create(path.join("log")).expect("a log");
        command.env_remove("STATE_DIRECTORY").env_remove("NOTIFY_SOCKET");
        let child = command.stdout(Stdio::null()).stderr(log).spawn().expect("the agent");
        let agent = InNamespace { namespace, child };
        wait_for("a collection", || (collections(&agent.page()) > 0).then_some(()));
        agent
    }

    /// Prometheus' page; empty while there is none.
    pub fn page(&self) -> String {
        let arguments = ["--silent", "--noproxy", "*", "http://127.0.0.1:9100/metrics"];
        stdout(&run(&mut self.namespace.command("curl", &arguments)))
    }

    pub fn walk(&self, root: &str) -> String {
        let arguments = [WALK, &["127.0.0.1:1161", root]].concat();
        let output = run(self.namespace.command("snmpbulkwalk", &arguments).env("MIBS", ""));
        assert!(output.status.success(), "{root}: {}", stderr(&output));
        stdout(&output)
    }

    /// Has the configuration read anew.
    fn hang_up(&self) {
        let sent = run(Command::new("kill").args(["-s", "HUP", &self.child.id().to_string()]));
        assert!(sent.status.success());
        wait_for("the reload", || self.page().contains("vitals_snmp_reloads_total 1").then_some(()));
    }
}

impl Drop for InNamespace<'_> {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// net-snmp's agent beside ours, with a configuration of its own.
pub struct Snmpd {
    _directory: tempfile::TempDir,
    port: u16,
    child: Child,
}

impl Snmpd {
    pub fn start() -> Snmpd {
        let (directory, port) = (directory(), free_udp_port());
        let file = directory.path().join("snmpd.conf");
        fs::write(&file, format!("agentAddress udp:127.0.0.1:{port}\nrocommunity public 127.0.0.1\n")).expect("a file");
        let mut command = Command::new("snmpd");
        command.env("SNMP_PERSISTENT_DIR", directory.path().join("persist")).env("MIBS", ":");
        // Without these it listens for other agents, on every address.
        command.args(["-f", "-C", "-I", "-smux,mteTrigger,mteTriggerConf", "-Lf"]).arg(directory.path().join("log"));
        let child = command.arg("-c").arg(&file).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        let peer = Snmpd {
            child: child.expect("snmpd; tests/setup installs what the tests need"),
            port,
            _directory: directory,
        };
        wait_for("snmpd", || peer.walk_any("1.3.6.1.2.1.1.3").contains(".0 ").then_some(()));
        peer
    }

    /// What it says below an OID, if anything.
    pub fn walk_any(&self, root: &str) -> String {
        let mut command = Command::new("snmpbulkwalk");
        command.env("MIBS", "").args(["-t", "2"]).args(WALK).arg(format!("127.0.0.1:{}", self.port)).arg(root);
        stdout(&run(&mut command))
    }

    pub fn walk(&self, root: &str) -> String {
        let text = self.walk_any(root);
        assert!(text.lines().count() > 1, "{root}: {text}");
        text
    }
}

impl Drop for Snmpd {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
