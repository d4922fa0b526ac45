//! Prometheus' page: judged by promtool, held against a golden copy and against what SNMP says at the same time.

use std::io::Write;
use std::process::{Command, Stdio};

use expect_test::expect_file;

use crate::agent::{Agent, run, stdout};

fn lint(page: &str) {
    let mut child = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("promtool; tests/setup installs what the tests need");
    child.stdin.take().expect("a pipe").write_all(page.as_bytes()).expect("written");
    let output = child.wait_with_output().expect("promtool ends");
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert_eq!((output.status.code(), said.as_str()), (Some(0), ""));
}

#[test]
fn promtool_has_nothing_to_say() {
    let alarm = "[[rule]]\nname = \"memory-test\"\nmetric = \"memory_used_ratio\"\nwarning = 0.0001\n";
    lint(&Agent::on_this_machine("").page("/metrics"));
    let page = Agent::on_fixture(alarm).page("/metrics");
    assert!(page.contains("vitals_alarm_") && page.contains("memory-test"), "the alarm is there");
    lint(&page);
}

/// Every series of the fake host. What the test's own machine and time decide is left out of the comparison: the values
/// of filesystems (statvfs answers for the disk that holds the copy), ages, durations, counters of the agent, the time of
/// alarms; and the shares that only one of the first two collections has.
#[test]
fn the_page_of_the_fake_host_is_as_it_was() {
    let page = Agent::on_fixture("").page("/metrics");
    let lines = page
        .lines()
        .filter(|line| !["_used_ratio", "_mode_ratio", "vitals_health_"].iter().any(|part| line.contains(part)));
    let masked = [
        "vitals_filesystem_",
        "vitals_section_",
        "vitals_snmp_",
        "vitals_alarm",
        "vitals_host_",
        "timestamp",
        "_seconds ",
    ];
    let lines = lines.map(|line| match line.rsplit_once(' ') {
        Some((series, _)) if !line.starts_with('#') && masked.iter().any(|mask| line.contains(mask)) => {
            format!("{series} *")
        }
        _ => line.to_string(),
    });
    let text: Vec<String> = lines.collect();
    expect_file!["../golden/metrics.txt"].assert_eq(&(text.join("\n") + "\n"));
}

#[test]
fn prometheus_and_snmp_say_the_same() {
    let agent = Agent::on_fixture("");
    let page = agent.page("/metrics");
    let series = |name: &str| -> f64 {
        let line =
            page.lines().find(|line| line.starts_with(&format!("{name} "))).unwrap_or_else(|| panic!("no {name}"));
        line.rsplit_once(' ').and_then(|(_, number)| number.parse().ok()).expect("a number")
    };
    let object = |suffix: &str| -> f64 {
        let oid = format!("1.3.6.1.4.1.32473.1.1.{suffix}");
        let text = agent.snmp("snmpget", &["-v2c", "-c", "public", "-Oqv"], &[&oid]);
        text.trim().parse().unwrap_or_else(|_| panic!("{oid}: {text}"))
    };
    assert_eq!(series("vitals_memory_total_bytes"), object("12.1.0"));
    assert_eq!((series("vitals_memory_used_ratio") * 1000.0).round(), object("12.8.0"));
    assert_eq!((series("vitals_cpu_load1") * 100.0).round(), object("11.2.0"));
}

#[test]
fn pages() {
    let agent = Agent::on_fixture("");
    assert_eq!(agent.page("/healthz"), "ok\n");
    let url = format!("http://127.0.0.1:{}/nothing", agent.http);
    let answer =
        run(Command::new("curl").args(["-s", "-o", "/dev/null", "-w", "%{http_code}", "--noproxy", "*", &url]));
    assert_eq!(stdout(&answer), "404");
}

#[test]
fn the_documentation_of_metrics_is_rendered() {
    expect_file!["../../mibs/metrics.md"].assert_eq(&vitalsd::render::metrics::text());
}
