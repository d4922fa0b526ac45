//! The query log, as an auditor reads it.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use serde_json::Value;

use crate::agent::{Agent, directory, wait_for};

const V2C: &[&str] = &["-v2c", "-c", "public"];
const NAME: &str = "1.3.6.1.2.1.1.5.0";

fn lines(path: &Path) -> Vec<Value> {
    let text = fs::read_to_string(path).unwrap_or_default();
    text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

#[test]
fn every_message_is_a_line_until_a_reload_ends_it() {
    let directory = directory();
    let (path, elsewhere) = (directory.path().join("queries"), directory.path().join("elsewhere"));
    let section = format!("[snmp.query_log]\npath = \"{}\"\n", path.display());
    let mut agent = Agent::on_fixture(&section);
    agent.snmp("snmpget", V2C, &[NAME]);
    agent.snmp_output("snmpget", &["-v2c", "-c", "secret\u{1b}", "-t", "1", "-r", "0"], &[NAME]);
    let written = wait_for("two lines", || Some(lines(&path)).filter(|lines| lines.len() == 2));
    for line in &written {
        assert_eq!((&line["source"], &line["transport"]), (&"127.0.0.1".into(), &"udp".into()), "{line}");
        assert!(line["duration_us"].is_u64() && line["time"].as_str().is_some_and(|time| time.len() == 24), "{line}");
        assert!(line["result"].is_string(), "{line}");
    }
    let told = |line: &Value, key: &str| line[key].as_str().unwrap_or_default().to_string();
    let good = ["version", "identity", "pdu", "result"].map(|key| told(&written[0], key));
    assert_eq!(good, ["2c", "community[0]", "GetRequest", "noError"]);
    assert_eq!(written[0]["oids"], serde_json::json!([NAME]));
    assert_eq!(told(&written[1], "result"), "in_bad_community");
    let text = fs::read_to_string(&path).expect("a file");
    assert!(!text.contains("public") && !text.contains("secret"), "a community is never written: {text}");
    assert_eq!(path.metadata().expect("a file").permissions().mode() & 0o777, 0o600);

    // A reload that leaves it alone goes on in the same file; another place is another file.
    let config = fs::read_to_string(agent.config()).expect("a file");
    let reload = |text: &str, count: usize| {
        fs::write(agent.config(), text).expect("a file");
        agent.signal("HUP");
        wait_for("the reload", || {
            (agent.log().matches("the configuration was taken over").count() == count).then_some(())
        });
    };
    reload(&config, 1);
    agent.snmp("snmpget", V2C, &[NAME]);
    wait_for("the third line", || (lines(&path).len() == 3).then_some(()));
    reload(&config.replace(path.to_str().expect("text"), elsewhere.to_str().expect("text")), 2);
    agent.snmp("snmpget", V2C, &[NAME]);
    wait_for("a line elsewhere", || (lines(&elsewhere).len() == 1).then_some(()));
    reload(&config.replace(&section, ""), 3);
    agent.snmp("snmpget", V2C, &[NAME]);
    reload(&config, 4);
    for _ in 0..20 {
        agent.snmp("snmpget", V2C, &[NAME]);
    }
    // What waits is written at the end.
    assert_eq!(agent.end(), Some(0));
    assert_eq!((lines(&path).len(), lines(&elsewhere).len()), (23, 1));
}

#[test]
fn a_log_that_can_not_be_written_is_said_at_the_start_and_later_costs_lines_only() {
    let directory = directory();
    let path = directory.path().join("queries");
    let agent = Agent::on_fixture(&format!("[snmp.query_log]\npath = \"{}\"\n", path.display()));
    let text = fs::read_to_string(agent.config()).expect("a file");
    let wrong = text.replace(path.to_str().expect("text"), "/nowhere/queries");
    fs::write(agent.config(), wrong).expect("a file");
    agent.signal("HUP");
    wait_for("the refusal", || agent.log().contains("snmp.query_log.path: /nowhere/queries").then_some(()));
    // The directory goes while the agent runs: its file can't be made anew.
    fs::remove_dir_all(directory.path()).expect("removed");
    agent.snmp("snmpget", V2C, &[NAME]);
    wait_for("the loss", || agent.log().contains("the query log loses lines").then_some(()));
    wait_for("the counter", || {
        agent.page("/metrics").contains("vitals_snmp_query_log_dropped_total 1\n").then_some(())
    });
    agent.snmp("snmpget", V2C, &[NAME]);
}
