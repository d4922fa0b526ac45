//! Text files of other programs: in Prometheus unchanged, over SNMP as a table, and under rules.

use std::fs;
use std::process::Command;

use crate::agent::{Agent, directory, run, stderr, vitalsd, wait_for};

const TABLE: &str = "1.3.6.1.4.1.32473.1.1.47.1";

#[test]
fn text_files_are_in_prometheus_over_snmp_and_under_rules() {
    let place = directory();
    let file = |name: &str| place.path().join(name);
    let text = "# HELP devices_seen Devices in a zone.\n# TYPE devices_seen gauge\n\
                devices_seen{zone=\"a\",vlan=\"1\"} 1.5e3\ndevices_seen{zone=\"b\",vlan=\"2\"} -0.25\n\
                # HELP packets_total Packets.\n# TYPE packets_total counter\npackets_total 12345678901\n";
    fs::write(file("sensor.prom"), text).expect("a file");
    fs::write(file("bad.prom"), "licence 1\nlicence 2\n").expect("a file");
    assert!(Command::new("mkfifo").arg(file("pipe.prom")).status().expect("mkfifo").success());
    let agent = Agent::on_fixture(&format!(
        r#"
        [textfile]
        directory = "{}"
        [[rule]]
        name = "too-many-devices"
        metric = "textfile:devices_seen"
        match = {{ zone = "a*" }}
        warning = 1000
        "#,
        place.path().display()
    ));
    let page = wait_for("the alarm", || {
        let page = agent.page("/metrics");
        page.contains("too-many-devices").then_some(page)
    });
    assert!(page.contains(text), "{page}");
    assert!(page.contains("vitals_textfile_scrape_error{file=\"bad.prom\"} 1"));
    assert!(page.contains("vitals_textfile_scrape_error{file=\"pipe.prom\"} 1"));
    assert!(page.contains("vitals_textfile_mtime_timestamp_seconds{file=\"sensor.prom\"} 1"));
    assert!(!page.contains("licence 1"));
    assert!(page.contains("zone=a") && !page.contains("zone=b"), "the alarm is of one zone: {page}");
    assert!(agent.log().contains("bad.prom: line 2: a second licence"), "{}", agent.log());

    let walk = agent.snmp("snmpwalk", &["-v2c", "-c", "public", "-Oqv"], &[TABLE]);
    let values: Vec<&str> = walk.lines().map(|line| line.trim_matches('"')).collect();
    assert_eq!(values[..3], ["devices_seen", "devices_seen", "packets_total"]);
    for value in ["1500000", "-250", "1500", "12345678901", "1.5e3"] {
        assert!(values.contains(&value), "{value}: {walk}");
    }
    // The rows keep their indices when others come.
    let before = agent.snmp("snmpwalk", &["-v2c", "-c", "public"], &[&format!("{TABLE}.2")]);
    fs::write(file("another.prom"), "aaa 1\n").expect("a file");
    let after = wait_for("the new file", || {
        let after = agent.snmp("snmpwalk", &["-v2c", "-c", "public"], &[&format!("{TABLE}.2")]);
        after.contains("aaa").then_some(after)
    });
    assert!(after.starts_with(&before), "{before}{after}");
}

#[test]
fn a_rule_over_text_files_needs_a_directory() {
    let place = directory();
    let file = place.path().join("vitalsd.toml");
    let rule = "[[rule]]\nname = \"x\"\nmetric = \"textfile:x\"\nwarning = 1\n";
    fs::write(&file, rule).expect("a file");
    let output = run(vitalsd().arg("check-config").arg(&file));
    let said = crate::agent::stdout(&output) + &stderr(&output);
    assert!(!output.status.success() && said.contains("there are no text files"), "{said}");
    fs::write(&file, format!("[textfile]\ndirectory = \"/tmp\"\n{rule}")).expect("a file");
    assert!(run(vitalsd().arg("check-config").arg(&file)).status.success());
}
