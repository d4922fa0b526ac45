//! SNMPv1 and SNMPv2c as net-snmp's tools see them.

use std::process::Command;

use crate::agent::{Agent, run, stderr, stdout, vitalsd, wait_for};

const SYSTEM: &str = "1.3.6.1.2.1.1";
const ROOT: &str = "1.3.6.1.4.1.32473.1";

fn check(agent: &Agent, tool: &str, arguments: &[&str], oids: &[&str], expected: &str) {
    let output = agent.snmp_output(tool, arguments, oids);
    let all = stdout(&output) + &stderr(&output);
    assert!(all.contains(expected), "{tool} {arguments:?} {oids:?}\nwanted: {expected}\ngot: {all}");
}

#[test]
fn get_answers_values_exceptions_and_errors() {
    let agent = Agent::on_fixture("");
    let v1 = &["-v1", "-c", "public"];
    let v2 = &["-v2c", "-c", "public"];
    for version in [v1, v2] {
        check(&agent, "snmpget", version, &["1.3.6.1.2.1.1.5.0"], ".1.3.6.1.2.1.1.5.0 = STRING: \"sensor-07\"");
        check(&agent, "snmpgetnext", version, &["1.3.6.1.2.1.1.5"], ".1.3.6.1.2.1.1.5.0 = STRING: \"sensor-07\"");
        check(&agent, "snmpget", version, &["1.3.6.1.2.1.1.2.0"], "OID: .1.3.6.1.4.1.32473.1.3.1");
    }
    check(&agent, "snmpget", v2, &["1.3.6.1.2.1.1.5.1"], "No Such Instance");
    check(&agent, "snmpget", v2, &["1.3.6.1.4.1.99999.1"], "No Such Object");
    check(&agent, "snmpgetnext", v2, &["2.999.1"], "No more variables left");
    check(&agent, "snmpget", v1, &["1.3.6.1.4.1.99999.1"], "noSuchName");
    // A 64-bit counter doesn't exist for SNMPv1.
    check(&agent, "snmpget", v2, &[&format!("{ROOT}.1.12.1.0")], "Counter64: ");
    check(&agent, "snmpget", v1, &[&format!("{ROOT}.1.12.1.0")], "noSuchName");
}

#[test]
fn ipv6_is_answered() {
    let agent = Agent::on_fixture("");
    let output = run(Command::new("snmpget").env("MIBS", "").args([
        "-v2c",
        "-c",
        "public",
        "-On",
        &format!("udp6:[::1]:{}", agent.port),
        "1.3.6.1.2.1.1.5.0",
    ]));
    assert!(stdout(&output).contains("sensor-07"), "{}", stderr(&output));
}

#[test]
fn the_answer_leaves_from_the_address_that_was_asked() {
    let agent = Agent::on_fixture("");
    // All of 127.0.0.0/8 is this host: a listener on one address answers for that one alone, so a second agent listens
    // on all addresses. The tool drops answers that come from elsewhere.
    let port = crate::agent::free_udp_port();
    let text = std::fs::read_to_string(agent.config()).expect("a file");
    let text = text.replace(&format!("udp:127.0.0.1:{}", agent.port), &format!("udp:0.0.0.0:{port}"));
    std::fs::write(agent.config(), text).expect("a file");
    agent.signal("HUP");
    crate::agent::wait_for("the new listener", || {
        let output = run(Command::new("snmpget").env("MIBS", "").args([
            "-v2c",
            "-c",
            "public",
            "-On",
            "-t",
            "1",
            "-r",
            "0",
            &format!("127.7.7.7:{port}"),
            "1.3.6.1.2.1.1.5.0",
        ]));
        stdout(&output).contains("sensor-07").then_some(())
    });
}

#[test]
fn a_walk_by_getnext_is_a_walk_by_getbulk() {
    let agent = Agent::on_fixture("[collect.cpu]\ninterval = \"1h\"\n");
    let still = |text: String| -> Vec<String> {
        // Names alone: the values of live counters differ from one walk to the next.
        text.lines().filter_map(|line| line.split_once(" = ")).map(|(name, _)| name.to_string()).collect()
    };
    let next = still(agent.snmp("snmpwalk", &["-v2c", "-c", "public"], &[".1"]));
    let bulk = still(agent.snmp("snmpbulkwalk", &["-v2c", "-c", "public", "-Cr25"], &[".1"]));
    let first = still(agent.snmp("snmpwalk", &["-v1", "-c", "public"], &[".1"]));
    assert!(next.len() > 300, "{} instances", next.len());
    assert_eq!(next, bulk);
    assert!(first.len() > 100 && first.len() < next.len(), "SNMPv1 sees all but 64-bit counters: {}", first.len());
}

#[test]
fn communities_sources_and_views_are_kept_apart() {
    let agent = Agent::on_fixture("");
    check(&agent, "snmpget", &["-v2c", "-c", "wrong", "-t", "1", "-r", "0"], &["1.3.6.1.2.1.1.5.0"], "Timeout");
    check(&agent, "snmpget", &["-v2c", "-c", "elsewhere", "-t", "1", "-r", "0"], &["1.3.6.1.2.1.1.5.0"], "Timeout");
    let seen = agent.snmp("snmpwalk", &["-v2c", "-c", "system-only"], &[".1"]);
    assert!(
        seen.lines().all(|line| line.starts_with(&format!(".{SYSTEM}.")) || line.contains("No more variables")),
        "{seen}"
    );
    assert!(!seen.contains(".1.3.6.1.2.1.1.9."), "{seen}");
    check(&agent, "snmpget", &["-v2c", "-c", "system-only"], &["1.3.6.1.2.1.11.1.0"], "No Such Object");
    let page = agent.page("/metrics");
    // RFC 3418 counts a known community from a wrong source with the unknown ones.
    assert!(page.contains("\nvitals_snmp_in_bad_community_total 2\n"), "{page}");
    assert!(page.contains("\nvitals_snmp_refused_community_total 1\n"), "{page}");
}

#[test]
fn set_is_atomic_stored_and_refused_as_the_rfcs_say() {
    let mut agent = Agent::on_fixture("");
    let write = &["-v2c", "-c", "private"];
    check(&agent, "snmpset", write, &["1.3.6.1.2.1.1.4.0", "s", "night shift"], "night shift");
    check(&agent, "snmpset", &["-v2c", "-c", "public"], &["1.3.6.1.2.1.1.4.0", "s", "x"], "noAccess");
    check(&agent, "snmpset", &["-v1", "-c", "public"], &["1.3.6.1.2.1.1.4.0", "s", "x"], "noSuchName");
    check(&agent, "snmpset", write, &["1.3.6.1.2.1.1.4.0", "i", "1"], "wrongType");
    check(&agent, "snmpset", write, &["1.3.6.1.2.1.1.4.0", "s", &"x".repeat(300)], "wrongLength");
    check(&agent, "snmpset", write, &["1.3.6.1.2.1.1.3.0", "t", "1"], "notWritable");
    check(&agent, "snmpset", write, &["1.3.6.1.2.1.1.5.1", "s", "x"], "noCreation");
    let both = &["1.3.6.1.2.1.1.6.0", "s", "roof", "1.3.6.1.2.1.1.3.0", "t", "1"];
    check(&agent, "snmpset", write, both, "notWritable");
    check(&agent, "snmpget", write, &["1.3.6.1.2.1.1.6.0"], ".1.3.6.1.2.1.1.6.0 = \"\"");
    agent.kill_and_restart();
    check(&agent, "snmpget", write, &["1.3.6.1.2.1.1.4.0"], "night shift");
}

#[test]
fn reload_keeps_the_old_configuration_when_the_new_one_is_wrong() {
    let agent = Agent::on_fixture("");
    let good = std::fs::read_to_string(agent.config()).expect("a file");
    std::fs::write(agent.config(), good.replace("[snmp]", "[snmp]\nlistne = []")).expect("a file");
    agent.signal("HUP");
    crate::agent::wait_for("the refusal", || agent.log().contains("refused").then_some(()));
    assert!(agent.log().contains("did you mean `listen`") || agent.log().contains("listen"), "{}", agent.log());
    check(&agent, "snmpget", &["-v2c", "-c", "public"], &["1.3.6.1.2.1.1.5.0"], "sensor-07");
    std::fs::write(agent.config(), good.replace("sensor-07", "sensor-08")).expect("a file");
    agent.signal("HUP");
    crate::agent::wait_for("the new name", || {
        agent.snmp("snmpget", &["-v2c", "-c", "public"], &["1.3.6.1.2.1.1.5.0"]).contains("sensor-08").then_some(())
    });
}

#[test]
fn the_agent_ends_when_told_to() {
    let mut agent = Agent::on_this_machine("");
    assert_eq!(agent.end(), Some(0), "{}", agent.log());
    assert!(!agent.directory.path().join("state/control.sock").exists());
}

#[test]
fn a_log_that_nobody_reads_keeps_no_answer_waiting() {
    let mut agent = Agent::on_fixture("");
    assert_eq!(agent.end(), Some(0));
    let (_reader, mut filler) = std::io::pipe().expect("a pipe");
    let log = filler.try_clone().expect("a descriptor");
    let mut child = vitalsd().args(["run", "--config"]).arg(agent.config()).stderr(log).spawn().expect("the agent");
    let get = |community: &str| agent.snmp_output("snmpget", &["-v2c", "-c", community, "-r0"], &["1.3.6.1.2.1.1.5.0"]);
    wait_for("an answer", || stdout(&get("public")).contains("sensor-07").then_some(()));
    // Whoever writes to it now waits, as this thread soon does.
    std::thread::spawn(move || std::io::Write::write_all(&mut filler, &[b'.'; 1 << 20]));
    std::thread::sleep(std::time::Duration::from_millis(300));
    for _ in 0..3 {
        get("wrong");
        assert!(stdout(&get("public")).contains("sensor-07"), "the answer waits for the log");
    }
    let told = Command::new("kill").arg(child.id().to_string()).status().expect("kill");
    assert!(told.success());
    let ended = wait_for("the end", || child.try_wait().expect("a child"));
    assert_eq!(ended.code(), Some(0));
}
