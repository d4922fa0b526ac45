//! The host's standard objects against what other programs say of this machine: snmpd beside, df, free, ps and lsblk.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::agent::{Agent, directory, free_udp_port, run, stderr, stdout, wait_for};
use crate::mib::module_path;

/// Net-SNMP's agent, on a port and with files of its own; it is ended with the value.
pub struct Snmpd {
    child: Child,
    pub port: u16,
    _directory: tempfile::TempDir,
}

impl Snmpd {
    fn start() -> Snmpd {
        Snmpd::start_with("includeAllDisks 10%\n")
    }

    /// With more configuration.
    pub fn start_with(more: &str) -> Snmpd {
        let (directory, port) = (directory(), free_udp_port());
        let path = directory.path();
        let text = format!("agentAddress udp:127.0.0.1:{port}\nrocommunity public 127.0.0.1\n{more}");
        fs::write(path.join("snmpd.conf"), text).expect("a configuration");
        let child = Command::new("/usr/sbin/snmpd")
            .env("MIBS", ":")
            .env("SNMP_PERSISTENT_DIR", path.join("persist"))
            .args(["-f", "-C", "-I", "-smux,mteTrigger,mteTriggerConf", "-c"])
            .arg(path.join("snmpd.conf"))
            .args([format!("-Lf{}", path.join("log").display()), format!("-p{}", path.join("pid").display())])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("snmpd");
        let snmpd = Snmpd { child, port, _directory: directory };
        wait_for("snmpd", || (!walk(snmpd.port, "1.3.6.1.2.1.1.1").is_empty()).then_some(()));
        snmpd
    }
}

impl Drop for Snmpd {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The instances below an OID: what follows it, and the value.
pub fn walk(port: u16, oid: &str) -> BTreeMap<String, String> {
    let mut command = Command::new("snmpbulkwalk");
    command.args(["-v2c", "-c", "public", "-Cr25", "-t2", "-r2", "-Onq", "-m", ""]);
    let text = stdout(&run(command.arg(format!("127.0.0.1:{port}")).arg(oid)));
    let rows = text.lines().filter_map(|line| line.strip_prefix(&format!(".{oid}."))?.split_once(' '));
    rows.filter(|(_, value)| !value.starts_with("No ")).map(|(rest, value)| (rest.into(), value.into())).collect()
}

/// A column's values by those of another column of the same table: sizes by names.
fn by(port: u16, key: &str, value: &str) -> BTreeMap<String, String> {
    let (keys, mut values) = (walk(port, key), walk(port, value));
    keys.into_iter()
        .filter_map(|(index, key)| Some((key.trim_matches('"').to_string(), values.remove(&index)?)))
        .collect()
}

fn number(text: &str) -> f64 {
    text.trim_matches('"').split(' ').next().and_then(|word| word.parse().ok()).unwrap_or_else(|| panic!("{text:?}"))
}

/// Whether two numbers are the same but for what happens in between.
fn near(one: f64, other: f64, share: f64, least: f64) -> bool {
    (one - other).abs() <= least.max(one.abs().max(other.abs()) * share)
}

const HOST: &str = "1.3.6.1.2.1.25";
const UCD: &str = "1.3.6.1.4.1.2021";

#[test]
fn snmpd_beside_says_the_same() {
    let (agent, snmpd) = (Agent::on_this_machine("[collect.process]\ninterval = \"1s\"\n"), Snmpd::start());
    // snmpd has its first numbers of processors some seconds after its start.
    wait_for("snmpd's processors", || {
        walk(snmpd.port, &format!("{UCD}.11.50")).values().any(|ticks| ticks != "0").then_some(())
    });
    let mut faults = Vec::new();
    let mut same = |what: &str, key: &str, value: &str, share: f64, least: f64, filter: &dyn Fn(&str) -> bool| {
        let (theirs, ours) = (by(snmpd.port, key, value), by(agent.port, key, value));
        let mut seen = 0;
        for (name, theirs) in theirs.iter().filter(|(name, _)| filter(name)) {
            seen += 1;
            match ours.get(name) {
                Some(ours) if near(number(ours), number(theirs), share, least) => {}
                ours => faults.push(format!("{what} of {name}: {theirs} there, {ours:?} here")),
            }
        }
        assert!(seen > 0, "snmpd says no {what}");
    };
    let storage = |column: u32| format!("{HOST}.2.3.1.{column}");
    // Filters of ours leave out what is in memory; snmpd knows one kind of memory more.
    let known = |name: &str| name == "/" || (!name.starts_with('/') && name != "Available memory");
    same("unit", &storage(3), &storage(4), 0.0, 0.0, &known);
    same("size", &storage(3), &storage(5), 0.03, 2048.0, &known);
    same("use", &storage(3), &storage(6), 0.1, 65_536.0, &known);
    let disk = |column: u32| format!("{UCD}.9.1.{column}");
    for column in [6, 7, 8, 10, 11, 12, 13, 14, 15, 16] {
        same(&format!("dsk column {column}"), &disk(2), &disk(column), 0.05, 1.0, &|name| name == "/");
    }
    let activity = |column: u32| format!("{UCD}.13.15.1.1.{column}");
    let real = |name: &str| !["loop", "ram", "zram", "sr"].iter().any(|prefix| name.starts_with(prefix));
    for column in [5, 6, 12, 13, 14] {
        same(&format!("disk column {column}"), &activity(2), &activity(column), 0.05, 5000.0, &real);
    }
    // Itself by itself: the rows of a column.
    let plain = |port: u16, oid: &str| walk(port, oid);
    for (oid, share, least) in [
        (format!("{HOST}.1.1"), 0.01, 500.0),
        (format!("{HOST}.1.6"), 0.1, 10.0),
        (format!("{HOST}.2.2"), 0.0, 0.0),
        (format!("{UCD}.4.3"), 0.0, 0.0),
        (format!("{UCD}.4.5"), 0.0, 0.0),
        (format!("{UCD}.4.6"), 0.2, 262_144.0),
        (format!("{UCD}.4.14"), 0.1, 65_536.0),
        (format!("{UCD}.4.15"), 0.1, 262_144.0),
        (format!("{UCD}.4.20"), 0.0, 0.0),
        (format!("{UCD}.4.27"), 0.2, 262_144.0),
        (format!("{UCD}.10.1.5"), 0.3, 60.0),
        (format!("{UCD}.11.50"), 0.02, 2000.0),
        (format!("{UCD}.11.52"), 0.02, 2000.0),
        (format!("{UCD}.11.53"), 0.02, 2000.0),
        (format!("{UCD}.11.57"), 0.02, 100_000.0),
        (format!("{UCD}.11.58"), 0.02, 100_000.0),
        (format!("{UCD}.11.59"), 0.02, 20_000.0),
        (format!("{UCD}.11.60"), 0.02, 50_000.0),
        (format!("{UCD}.11.61"), 0.05, 1000.0),
        (format!("{UCD}.11.67"), 0.0, 0.0),
    ] {
        let (theirs, ours) = (plain(snmpd.port, &oid), plain(agent.port, &oid));
        assert!(!theirs.is_empty(), "snmpd says nothing of {oid}");
        for (index, theirs) in &theirs {
            let seconds = |text: &str| {
                text.split(':').all(|part| part.parse::<f64>().is_ok()).then(|| {
                    text.split(':')
                        .zip([86_400.0, 3600.0, 60.0, 1.0])
                        .map(|(part, weight)| number(part) * weight)
                        .sum::<f64>()
                })
            };
            let value = |text: &str| if text.contains(':') { seconds(text).unwrap_or(f64::NAN) } else { number(text) };
            match ours.get(index) {
                Some(ours) if near(value(ours), value(theirs), share, least) => {}
                ours => faults.push(format!("{oid}.{index}: {theirs} there, {ours:?} here")),
            }
        }
    }
    let kinds = |port| by(port, &storage(3), &storage(2));
    let (theirs, ours) = (kinds(snmpd.port), kinds(agent.port));
    let differ = theirs.iter().filter(|(name, _)| known(name)).find(|(name, kind)| ours.get(*name) != Some(kind));
    faults.extend(differ.map(|(name, kind)| format!("type of {name}: {kind} there, {:?} here", ours.get(name))));
    // What lived through both walks is told alike.
    for column in [2, 4, 6] {
        let oid = format!("{HOST}.4.2.1.{column}");
        let (before, theirs, after) = (walk(agent.port, &oid), walk(snmpd.port, &oid), walk(agent.port, &oid));
        let stayed = before.iter().filter(|(pid, value)| after.get(*pid) == Some(*value));
        let compared = stayed.filter_map(|(pid, ours)| Some((pid, ours, theirs.get(pid)?)));
        let mut seen = 0;
        for (pid, ours, theirs) in compared {
            seen += 1;
            // The kernel's workers are called after what they did last.
            if ours.starts_with("\"kworker") {
                continue;
            }
            // snmpd shows the program itself where a process has no command line left, such as a zombie.
            if ours != theirs && !(ours == "\"\"" || theirs == "\"\"" || ours == "4") {
                faults.push(format!("hrSWRun column {column} of {pid}: {theirs} there, {ours} here"));
            }
        }
        assert!(seen > 3, "{seen} processes");
    }
    for column in [2, 5] {
        let oid = format!("{HOST}.6.3.1.{column}");
        let values = |port| walk(port, &oid).into_values().collect::<Vec<_>>();
        let (mut theirs, mut ours) = (values(snmpd.port), values(agent.port));
        theirs.sort();
        ours.sort();
        assert!(ours.len() > 100, "{} packages", ours.len());
        if theirs != ours {
            let other = theirs.iter().zip(&ours).find(|(one, other)| one != other);
            faults.push(format!("hrSWInstalled column {column}: {} and {}, {other:?}", theirs.len(), ours.len()));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn df_free_ps_and_lsblk_say_the_same() {
    let agent = Agent::on_this_machine("[collect.process]\ninterval = \"1s\"\n");
    let tool = |name: &str, arguments: &[&str]| stdout(&run(Command::new(name).env("LC_ALL", "C").args(arguments)));
    let words = |text: &str| text.split_whitespace().map(str::to_string).collect::<Vec<_>>();
    let df = tool("df", &["-k", "--output=size,used,avail,pcent", "/"]);
    let df: Vec<f64> =
        words(df.lines().nth(1).expect("a row")).iter().map(|word| number(word.trim_end_matches('%'))).collect();
    for (column, theirs) in [6, 8, 7].into_iter().zip(&df) {
        let ours = by(agent.port, &format!("{UCD}.9.1.2"), &format!("{UCD}.9.1.{column}"));
        assert!(near(number(&ours["/"]), *theirs, 0.05, 1024.0), "column {column}: {theirs} there, {ours:?} here");
    }
    let percent = by(agent.port, &format!("{UCD}.9.1.2"), &format!("{UCD}.9.1.9"));
    // df rounds up.
    assert!(near(number(&percent["/"]), df[3], 0.0, 1.0), "{df:?} there, {percent:?} here");

    let free = tool("free", &["-k", "-w"]);
    let row = words(free.lines().find(|line| line.starts_with("Mem:")).expect("a row"));
    for (oid, place, least) in
        [("4.5", 1, 0.0), ("4.14", 5, 65_536.0), ("4.15", 6, 262_144.0), ("4.27", 7, 1_048_576.0)]
    {
        let ours = walk(agent.port, &format!("{UCD}.{oid}"));
        assert!(near(number(&ours["0"]), number(&row[place]), 0.0, least), "{oid}: {row:?} there, {ours:?} here");
    }

    let own = agent.pid().to_string();
    let ps = tool("ps", &["-o", "comm=,rss=,args=", "-p", &own]);
    let ps = words(&ps);
    let ours = |oid: &str| walk(agent.port, &format!("{HOST}.{oid}")).remove(&own).expect("its row");
    assert_eq!((ours("4.2.1.2"), ours("4.2.1.4")), (format!("\"{}\"", ps[0]), format!("\"{}\"", short(&ps[2]))));
    assert!(near(number(&ours("5.1.1.2")), number(&ps[1]), 0.3, 4096.0), "{ps:?}");

    let disks = by(agent.port, &format!("{HOST}.3.2.1.3"), &format!("{HOST}.3.6.1.4"));
    let lsblk = tool("lsblk", &["-b", "-d", "-n", "-e", "1,7,11,253", "-o", "NAME,SIZE,RO,RM"]);
    for line in lsblk.lines() {
        let words = words(line);
        let device = format!("/dev/{}", words[0]);
        let ours = disks.iter().find(|(name, _)| name.split(' ').next() == Some(&device)).expect("its row").1;
        assert!(near(number(ours), number(&words[1]) / 1024.0, 0.0, 1.0), "{line}: {ours}");
    }
}

/// As hrSWRunPath has it.
fn short(text: &str) -> &str {
    &text[..text.len().min(128)]
}

#[test]
fn snmpdf_shows_the_disks_both_ways() {
    let agent = Agent::on_this_machine("");
    for options in [&[][..], &["-Cu"]] {
        let mut command = Command::new("snmpdf");
        command.env("MIBDIRS", module_path(Path::new("."))).args(["-v2c", "-c", "public"]).args(options);
        let output = run(command.arg(format!("127.0.0.1:{}", agent.port)));
        let text = stdout(&output);
        let root =
            text.lines().find(|line| line.starts_with("/ ")).unwrap_or_else(|| panic!("{text}{}", stderr(&output)));
        assert!(number(root.split_whitespace().nth(1).expect("a size")) > 0.0, "{root}");
    }
}
