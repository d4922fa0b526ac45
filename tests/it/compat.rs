//! The compatibility view, as a manager that was set up for the other sensor asks.

use crate::agent::{Agent, wait_for};

const ROOT: &str = "1.3.6.1.4.1.53313";

fn walk(agent: &Agent) -> Vec<(String, String)> {
    let text = agent.snmp("snmpwalk", &["-v2c", "-c", "public"], &[ROOT]);
    let pairs = text.lines().filter_map(|line| line.strip_prefix(&format!(".{ROOT}."))?.split_once(" = "));
    pairs.map(|(name, value)| (name.to_string(), value.to_string())).collect()
}

#[test]
fn it_is_off_unless_wanted() {
    let agent = Agent::on_fixture("");
    assert_eq!(walk(&agent), []);
    let bare = agent.snmp("snmpget", &["-v2c", "-c", "public"], &[&format!("{ROOT}.2")]);
    assert!(bare.contains("No Such Object"), "{bare}");
}

#[test]
fn a_get_is_answered_with_and_without_the_zero_and_a_walk_has_it() {
    let agent = Agent::on_fixture(
        r#"
        [[service]]
        process = { name = "nobody-runs-this" }
        critical = true
        [compat.defender_iot]
        enabled = true
        software_version = "24.1.2"
        connection_mode = "cloud-connected"
        license_expires = "2001-01-31"
        "#,
    );
    // The share of processors is there in the first collection alone: the fake host's counters stand still.
    let expected = ["1.0", "2.0", "3.2.0", "3.3.0", "3.4.0", "5.0", "6.0", "7.0"];
    let walked = wait_for("every object", || {
        let mut walked = walk(&agent);
        walked.retain(|(name, _)| name != "3.1.0");
        (walked.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>() == expected).then_some(walked)
    });
    let value = |name: &str| walked.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str());
    assert_eq!(value("1.0"), Some("STRING: \"7XKQ2V2\""));
    assert_eq!(value("2.0"), Some("STRING: \"24.1.2\""));
    assert_eq!(value("3.2.0"), Some("STRING: \"45\""));
    assert!(value("3.3.0").is_some_and(|text| text.starts_with("Gauge32: ")), "{walked:?}");
    assert_eq!(value("5.0"), Some("STRING: \"offline\""));
    assert_eq!(value("6.0"), Some("STRING: \"Cloud Connected\""));
    assert_eq!(value("7.0"), Some("STRING: \"Expired\""));
    for version in ["1", "2c"] {
        let get = |name: &str| agent.snmp("snmpget", &["-v", version, "-c", "public"], &[&format!("{ROOT}.{name}")]);
        for (name, value) in &walked {
            assert_eq!(get(name).trim(), format!(".{ROOT}.{name} = {value}"));
            let bare = name.trim_end_matches(".0");
            assert_eq!(get(bare).trim(), format!(".{ROOT}.{bare} = {value}"), "under the name that was asked for");
        }
    }
    let bulk = agent.snmp("snmpbulkwalk", &["-v2c", "-c", "public"], &[ROOT]);
    assert!(bulk.lines().filter(|line| line.contains(&format!("{ROOT}."))).count() >= expected.len(), "{bulk}");
    let next = agent.snmp("snmpgetnext", &["-v2c", "-c", "public"], &[&format!("{ROOT}.2")]);
    assert!(next.starts_with(&format!(".{ROOT}.2.0 = ")), "{next}");
}
