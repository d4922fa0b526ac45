//! The commands of `[[extend]]`, and the rows that are there without any, through net-snmp's own module.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::agent::{Agent, wait_for};
use crate::host::{Snmpd, walk};

const PUBLIC: &[&str] = &["-v2c", "-c", "public", "-Oqv"];

/// A column of nsExtendOutput1Table for a name.
fn output(column: u32, name: &str) -> String {
    let arcs: Vec<String> = name.bytes().map(|byte| byte.to_string()).collect();
    format!("1.3.6.1.4.1.8072.1.3.2.3.1.{column}.{}.{}", name.len(), arcs.join("."))
}

fn get(agent: &Agent, oid: &str) -> String {
    agent.snmp("snmpget", PUBLIC, &[oid]).trim().trim_matches('"').to_string()
}

#[test]
fn the_machine_is_named_without_any_command() {
    let agent = Agent::on_fixture("");
    for (name, expected) in [
        ("distro", "Debian GNU/Linux 13 (trixie)"),
        ("hardware", "PowerEdge R240"),
        ("manufacturer", "Dell Inc."),
        ("serial", "7XKQ2V2"),
        ("version", "A00"),
    ] {
        assert_eq!(get(&agent, &output(1, name)), expected, "{name}");
    }
    assert_eq!(get(&agent, "1.3.6.1.4.1.8072.1.3.2.1.0"), "5");
}

#[test]
fn commands_run_in_the_background_and_never_because_of_a_request() {
    let place = crate::agent::directory();
    let (count, script) = (place.path().join("count"), place.path().join("script"));
    fs::write(&script, format!("#!/bin/sh\necho x >> {}\necho one; echo two\nexit 2\n", count.display()))
        .expect("a file");
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).expect("permissions");
    let mut agent = Agent::on_fixture(&format!(
        r#"
        [[extend]]
        name = "version"
        command = ["{}"]
        interval = "1h"
        [[extend]]
        name = "hangs"
        command = ["/bin/sleep", "1000"]
        interval = "1h"
        timeout = "1s"
        "#,
        script.display()
    ));
    wait_for("both to have ended", || {
        let ended = get(&agent, &output(4, "version")) == "2" && get(&agent, &output(4, "hangs")) == "-1";
        ended.then_some(())
    });
    assert_eq!(get(&agent, &output(1, "version")), "one");
    assert_eq!(get(&agent, &output(2, "version")), "one\ntwo");
    assert_eq!(get(&agent, &output(3, "version")), "2");
    let line = format!("{}.2", output(2, "version").replace(".3.1.2.", ".4.1.2."));
    assert_eq!(get(&agent, &line), "two");
    assert_eq!(get(&agent, &output(1, "serial")), "7XKQ2V2");
    let page = agent.page("/metrics");
    assert!(page.contains("vitals_extend_exit_status{command=\"version\"} 2"), "{page}");
    assert!(page.contains("vitals_extend_failures_total{command=\"hangs\"} 1"));
    assert!(agent.log().contains("it took longer than 1s and was killed"));
    // However often it was asked, and however often the configuration was read again: once each.
    assert_eq!(fs::read_to_string(&count).expect("it ran"), "x\n");
    agent.signal("HUP");
    wait_for("it to have run again", || (fs::read_to_string(&count).ok()? == "x\nx\n").then_some(()));
    // The one that hangs runs again, too: it ends with the agent.
    assert_eq!(agent.end(), Some(0), "{}", agent.log());
}

#[test]
fn nothing_of_it_can_be_set() {
    let agent = Agent::on_fixture("");
    let command = "1.3.6.1.4.1.8072.1.3.2.2.1.2.7.118.101.114.115.105.111.110";
    let status = "1.3.6.1.4.1.8072.1.3.2.2.1.21.4.101.118.105.108";
    for arguments in [[command, "s", "/bin/sh"], [status, "i", "4"]] {
        let set = agent.snmp_output("snmpset", &["-v2c", "-c", "private"], &arguments);
        assert!(!set.status.success(), "{arguments:?}");
    }
}

#[test]
fn snmpd_beside_shows_the_same_of_the_same_commands() {
    let place = crate::agent::directory();
    let cases = [
        ("lines", "printf 'a\\n\\nb\\n'"),
        ("unended", "printf 'x\\ny'"),
        ("nothing", ":"),
        ("status", "echo z; exit 3"),
        ("blank", "printf 'q\\n\\n'"),
    ];
    let (mut theirs, mut ours) = (String::new(), String::new());
    for (name, text) in cases {
        let script = place.path().join(name);
        fs::write(&script, format!("#!/bin/sh\n{text}\n")).expect("a file");
        fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).expect("permissions");
        theirs += &format!("extend {name} {} one two\n", script.display());
        ours += &format!("[[extend]]\nname = \"{name}\"\ncommand = [\"{}\", \"one\", \"two\"]\n", script.display());
    }
    let (snmpd, agent) = (Snmpd::start_with(&theirs), Agent::on_fixture(&ours));
    wait_for("all to have run", || {
        cases.iter().all(|(name, _)| get(&agent, &output(4, name)).len() == 1).then_some(())
    });
    // The command, its arguments and input, how it is run, and all that it printed.
    for column in ["2.1.2", "2.1.3", "2.1.4", "2.1.6", "2.1.7", "2.1.21", "3.1.1", "3.1.2", "3.1.3", "3.1.4", "4.1.2"] {
        let column = format!("1.3.6.1.4.1.8072.1.3.2.{column}");
        let (theirs, mut ours) = (walk(snmpd.port, &column), walk(agent.port, &column));
        assert!(theirs.len() >= cases.len(), "{column}: {theirs:?}");
        ours.retain(|index, _| theirs.contains_key(index));
        assert_eq!(ours, theirs, "{column}");
    }
}
