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

/// Columns of a walk that are left out: shares of time, which the second collection is the first to have, and inodes,
/// which some filesystems don't count.
const LEFT_OUT: &[&str] = &[
    ".1.3.6.1.4.1.2021.11.9.", // ssCpuUser, ssCpuSystem, ssCpuIdle
    ".1.3.6.1.4.1.2021.11.10.",
    ".1.3.6.1.4.1.2021.11.11.",
    ".1.3.6.1.4.1.2021.13.15.1.1.9.", // diskIOLA1, diskIOLA5, diskIOLA15
    ".1.3.6.1.4.1.2021.13.15.1.1.10.",
    ".1.3.6.1.4.1.2021.13.15.1.1.11.",
    ".1.3.6.1.4.1.32473.1.1.1.2.",  // vitalsSummaryCpuUsedRatio
    ".1.3.6.1.4.1.32473.1.1.11.5.", // vitalsCpuUsedRatio, and eight modes
    ".1.3.6.1.4.1.32473.1.1.11.6.",
    ".1.3.6.1.4.1.32473.1.1.11.7.",
    ".1.3.6.1.4.1.32473.1.1.11.8.",
    ".1.3.6.1.4.1.32473.1.1.11.9.",
    ".1.3.6.1.4.1.32473.1.1.11.10.",
    ".1.3.6.1.4.1.32473.1.1.11.11.",
    ".1.3.6.1.4.1.32473.1.1.11.12.",
    ".1.3.6.1.4.1.32473.1.1.11.13.",
    ".1.3.6.1.4.1.32473.1.1.20.1.11.", // vitalsCoreUsedRatio
    ".1.3.6.1.4.1.32473.1.1.22.1.10.", // vitalsFsInodes
    ".1.3.6.1.4.1.32473.1.1.22.1.11.", // vitalsFsInodesFree
    ".1.3.6.1.4.1.32473.1.1.22.1.12.", // vitalsFsInodesUsedRatio
    ".1.3.6.1.4.1.32473.1.1.23.1.13.", // vitalsDiskUsedRatio
    ".1.3.6.1.4.1.32473.1.1.26.1.7.",  // vitalsProcUsedRatio
    ".1.3.6.1.6.3.10.2.1.1.",          // snmpEngineID, which each agent makes for itself
    ".1.3.6.1.6.3.18.1.1.1.4.",        // snmpCommunityContextEngineID
];

/// Columns of a walk of which only the type is compared: the disk that holds the copy, the test's own time, and what the
/// agent counts of itself.
const MASKED: &[&str] = &[
    ".1.3.6.1.2.1.1.1.",          // sysDescr, which names the running kernel
    ".1.3.6.1.2.1.1.3.",          // sysUpTime
    ".1.3.6.1.2.1.25.1.1.",       // hrSystemUptime
    ".1.3.6.1.2.1.25.1.2.",       // hrSystemDate
    ".1.3.6.1.2.1.25.2.3.1.4.31", // hrStorageAllocationUnits of mounts
    ".1.3.6.1.2.1.25.2.3.1.4.32",
    ".1.3.6.1.2.1.25.2.3.1.5.31", // hrStorageSize of mounts
    ".1.3.6.1.2.1.25.2.3.1.5.32",
    ".1.3.6.1.2.1.25.2.3.1.6.31", // hrStorageUsed of mounts
    ".1.3.6.1.2.1.25.2.3.1.6.32",
    ".1.3.6.1.2.1.25.6.1.",           // hrSWInstalledLastChange
    ".1.3.6.1.2.1.25.6.2.",           // hrSWInstalledLastUpdateTime
    ".1.3.6.1.2.1.25.6.3.1.5.",       // hrSWInstalledDate
    ".1.3.6.1.4.1.2021.9.1.6.",       // dskTotal
    ".1.3.6.1.4.1.2021.9.1.7.",       // dskAvail
    ".1.3.6.1.4.1.2021.9.1.8.",       // dskUsed
    ".1.3.6.1.4.1.2021.9.1.9.",       // dskPercent
    ".1.3.6.1.4.1.2021.9.1.10.",      // dskPercentNode
    ".1.3.6.1.4.1.2021.9.1.11.",      // dskTotalLow
    ".1.3.6.1.4.1.2021.9.1.12.",      // dskTotalHigh
    ".1.3.6.1.4.1.2021.9.1.13.",      // dskAvailLow
    ".1.3.6.1.4.1.2021.9.1.14.",      // dskAvailHigh
    ".1.3.6.1.4.1.2021.9.1.15.",      // dskUsedLow
    ".1.3.6.1.4.1.2021.9.1.16.",      // dskUsedHigh
    ".1.3.6.1.4.1.2021.11.3.",        // ssSwapIn
    ".1.3.6.1.4.1.2021.11.4.",        // ssSwapOut
    ".1.3.6.1.4.1.2021.11.5.",        // ssIOSent
    ".1.3.6.1.4.1.2021.11.6.",        // ssIOReceive
    ".1.3.6.1.4.1.2021.11.7.",        // ssSysInterrupts
    ".1.3.6.1.4.1.2021.11.8.",        // ssSysContext
    ".1.3.6.1.4.1.2021.100.2.",       // versionTag
    ".1.3.6.1.4.1.2021.100.4.",       // versionCDate
    ".1.3.6.1.4.1.2021.100.5.",       // versionIdent
    ".1.3.6.1.4.1.2021.100.6.",       // versionConfigureOptions
    ".1.3.6.1.4.1.32473.1.1.40.1.5.", // vitalsPkgUnpackTimestampSeconds
    ".1.3.6.1.2.1.47.1.4.1.",         // entLastChangeTime
    ".1.3.6.1.2.1.99.1.1.1.7.",       // entPhySensorValueTimeStamp
    ".1.3.6.1.2.1.131.1.1.1.1.",      // entStateLastChanged
    ".1.3.6.1.4.1.32473.1.1.1.4.",    // vitalsSummaryFilesystemUsedRatio
    ".1.3.6.1.4.1.32473.1.1.1.5.",    // vitalsSummaryFilesystem
    ".1.3.6.1.4.1.32473.1.1.3.1.5.",  // vitalsSectionAgeSeconds
    ".1.3.6.1.4.1.32473.1.1.3.1.6.",  // vitalsSectionDurationSeconds
    ".1.3.6.1.4.1.32473.1.1.3.1.7.",  // vitalsSectionCollections
    ".1.3.6.1.4.1.32473.1.1.4.1.8.",  // vitalsAlarmSinceTimestampSeconds
    ".1.3.6.1.4.1.32473.1.1.6.",      // vitalsSnmp
    ".1.3.6.1.4.1.32473.1.1.22.1.5.", // vitalsFsSizeBytes
    ".1.3.6.1.4.1.32473.1.1.22.1.6.", // vitalsFsFreeBytes
    ".1.3.6.1.4.1.32473.1.1.22.1.7.", // vitalsFsAvailableBytes
    ".1.3.6.1.4.1.32473.1.1.22.1.8.", // vitalsFsUsedBytes
    ".1.3.6.1.4.1.32473.1.1.22.1.9.", // vitalsFsUsedRatio
    ".1.3.6.1.6.3.10.2.1.2.",         // snmpEngineBoots
    ".1.3.6.1.6.3.10.2.1.3.",         // snmpEngineTime
];

/// The subtrees that are compared.
const TREES: &[&str] = &[
    "1.3.6.1.2.1.1",
    "1.3.6.1.2.1.2",
    "1.3.6.1.2.1.4",
    "1.3.6.1.2.1.5",
    "1.3.6.1.2.1.6",
    "1.3.6.1.2.1.7",
    "1.3.6.1.2.1.10.7",
    "1.3.6.1.2.1.17",
    "1.3.6.1.2.1.25",
    "1.3.6.1.2.1.31",
    "1.3.6.1.2.1.47",
    "1.3.6.1.2.1.99",
    "1.3.6.1.2.1.131",
    "1.3.6.1.4.1.2021",
    "1.3.6.1.4.1.8072.1.3.2",
    "1.3.6.1.4.1.32473.1.1",
    "1.3.6.1.6.3",
];

/// Names, types and values, as a manager keeps them for years.
#[test]
fn the_whole_tree_of_the_fake_host_is_as_it_was() {
    let agent = Agent::on_fixture("");
    let mut text = String::new();
    for root in TREES {
        let walk = agent.snmp("snmpbulkwalk", &["-v2c", "-c", "public"], &[root]);
        for line in walk.lines().map(str::trim_end) {
            let starts = |prefixes: &[&str]| prefixes.iter().any(|prefix| line.starts_with(prefix));
            if starts(LEFT_OUT) || line.contains("No more variables") {
                continue;
            }
            match line.split_once(": ") {
                Some((name_and_type, _)) if starts(MASKED) => text += &format!("{name_and_type}: *\n"),
                _ => text += &format!("{line}\n"),
            }
        }
    }
    expect_file!["../golden/tree.txt"].assert_eq(&text);
}

/// Series with labels: a row of a table, and seconds that SNMP carries as thousandths.
#[test]
fn prometheus_and_snmp_say_the_same_of_rows() {
    let agent = Agent::on_fixture("");
    let page = agent.page("/metrics");
    for (series, object, scale) in [
        (r#"vitals_interface_receive_bytes_total{interface="eth0"}"#, "24.1.13.2", 1.0),
        (r#"vitals_interface_receive_drops_total{interface="eth0"}"#, "24.1.16.2", 1.0),
        (r#"vitals_cpu_seconds_total{mode="user"}"#, "11.14.0", 1000.0),
        (r#"vitals_cpu_seconds_total{mode="iowait"}"#, "11.18.0", 1000.0),
        (r#"vitals_hwmon_temperature_celsius{chip="nct6775",device="nct6775.656",sensor="SYSTIN"}"#, "25.1.6.4", 10.0),
    ] {
        let line = page.lines().find_map(|line| line.strip_prefix(series)).unwrap_or_else(|| panic!("no {series}"));
        let exported: f64 = line.trim().parse().expect("a number");
        let oid = format!("1.3.6.1.4.1.32473.1.1.{object}");
        let text = agent.snmp("snmpget", &["-v2c", "-c", "public", "-Oqv"], &[&oid]);
        let served: f64 = text.trim().parse().unwrap_or_else(|_| panic!("{oid}: {text}"));
        assert_eq!((exported * scale).round(), served, "{series}");
        assert!(served > 0.0, "{series} tells nothing apart");
    }
}
