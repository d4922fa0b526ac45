//! Unit states over a private bus, from the stand-in in `tests/peers/systemd.py`.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use vitalsd::remote::systemd::Systemd;

/// A program that ends with the test.
struct Peer(Child);

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Peer {
    /// Starts it and waits for its first line.
    fn start(command: &mut Command) -> Peer {
        let mut peer = Peer(command.stdout(Stdio::piped()).spawn().expect("tests/setup installs it"));
        let mut line = String::new();
        let output = peer.0.stdout.take().expect("it is piped");
        BufReader::new(output).read_line(&mut line).expect("its output is readable");
        assert!(!line.is_empty(), "{command:?} ended without a word");
        peer
    }
}

fn start_bus(directory: &Path) -> (Peer, String) {
    let address = format!("unix:path={}/bus", directory.display());
    let arguments = ["--session", "--nofork", "--nopidfile", "--print-address"];
    let bus = Peer::start(Command::new("dbus-daemon").args(arguments).arg(format!("--address={address}")));
    (bus, address)
}

fn start_systemd(directory: &Path, address: &str) -> Peer {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/peers/systemd.py");
    let mut command = Command::new("/usr/bin/python3");
    Peer::start(command.arg(script).arg(units_file(directory)).env("DBUS_SYSTEM_BUS_ADDRESS", address))
}

fn units_file(directory: &Path) -> PathBuf {
    directory.join("units.json")
}

/// Renames a new file into place, as a half-written one would be read.
fn write_units(directory: &Path, units: &str) {
    let new = directory.join("units.new");
    std::fs::write(&new, units).and_then(|()| std::fs::rename(&new, units_file(directory))).expect("writable");
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(ToString::to_string).collect()
}

#[tokio::test]
async fn units_are_read_afresh_and_the_bus_is_found_again() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let directory = directory.path();
    write_units(
        directory,
        r#"{"ssh.service": {"ActiveState": "active", "SubState": "running", "MainPID": 812, "NRestarts": 2,
            "CPUUsageNSec": 1500000000, "MemoryCurrent": 5242880, "ActiveEnterTimestamp": 1700000000000000},
            "data.mount": {"ActiveState": "active", "SubState": "mounted"}}"#,
    );
    let (bus, address) = start_bus(directory);
    let systemd = Systemd::at(address.as_str());
    let error = systemd.units(&names(&["ssh.service"])).await.expect_err("nobody has the name");
    assert!(error.to_string().starts_with("systemd: org.freedesktop.DBus.Error."), "{error}");

    let peer = start_systemd(directory, &address);
    let asked = names(&["ssh.service", "data.mount", "absent.service", "not a name"]);
    let units = systemd.units(&asked).await.expect("systemd answers");
    let seen: Vec<_> = units.iter().map(|unit| (unit.load.as_str(), unit.active.as_str(), unit.sub.as_str())).collect();
    let expected = [
        ("loaded", "active", "running"),
        ("loaded", "active", "mounted"),
        ("not-found", "inactive", "dead"),
        ("", "", ""),
    ];
    assert_eq!(seen, expected);
    let ssh = &units[0];
    assert_eq!((ssh.main_process, ssh.restarts), (Some(812), Some(2)));
    assert_eq!((ssh.cpu_nanoseconds, ssh.memory_bytes), (Some(1_500_000_000), Some(5_242_880)));
    assert_eq!(ssh.active_since, Some(1_700_000_000_000_000));
    // No accounting and no process are absent, not 2^64 - 1 and not 0.
    assert_eq!((units[2].memory_bytes, units[2].main_process, units[2].active_since), (None, None, None));
    assert!(units[3].problem.as_deref().is_some_and(|problem| problem.contains("InvalidArgs")), "{:?}", units[3]);

    write_units(directory, r#"{"ssh.service": {"ActiveState": "failed", "SubState": "failed"}}"#);
    let units = systemd.units(&names(&["ssh.service"])).await.expect("systemd answers");
    assert_eq!(units[0].active, "failed");

    drop((peer, bus));
    assert!(systemd.units(&names(&["ssh.service"])).await.is_err());
    std::fs::remove_file(directory.join("bus")).ok();
    let (_bus, address) = start_bus(directory);
    let _peer = start_systemd(directory, &address);
    let units = systemd.units(&names(&["ssh.service"])).await.expect("the new bus is found");
    assert_eq!(units[0].active, "failed");
}

#[tokio::test]
async fn a_bus_that_never_answers_is_given_up() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let path = directory.path().join("bus");
    let _silent = std::os::unix::net::UnixListener::bind(&path).expect("a socket");
    let systemd = Systemd::at(format!("unix:path={}", path.display()));
    let error = systemd.units(&names(&["ssh.service"])).await.expect_err("nobody answers");
    assert_eq!(error.to_string(), "systemd: no answer within 3 s");
}
