//! The engine's identity over restarts and losses, and keys made of passwords, from the command line.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use crate::agent::{Agent, directory, run, stderr, stdout, vitalsd, wait_for};

/// Runs the program with something on its standard input.
pub fn run_with(input: &str, command: &mut Command) -> Output {
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program");
    // It may end before it has read all.
    let _ = child.stdin.take().expect("a pipe").write_all(input.as_bytes());
    child.wait_with_output().expect("its end")
}

fn engine(what: &str, config: &Path) -> Output {
    run(vitalsd().args(["engine", what]).arg("--config").arg(config))
}

/// The value of a line such as `engine ID  80007ed9`.
fn value(text: &str, name: &str) -> String {
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    line.unwrap_or_else(|| panic!("{name}: {text}")).trim().to_string()
}

/// A configuration file with a state directory beside it.
fn configured(directory: &Path, more: &str) -> PathBuf {
    let file = directory.join("vitalsd.toml");
    let state = directory.join("state");
    fs::write(&file, format!("[agent]\nstate_dir = \"{}\"\n{more}", state.display())).expect("a file");
    file
}

const ENGINE: &str = "000000000000000000000002";

/// RFC 3414, section A.3, and the same for SHA-2 and for keys that are extended.
#[test]
fn keys_are_those_of_the_rfc() {
    let hash = |arguments: &[&str]| {
        let mut command = vitalsd();
        command.args(["user", "hash", "nms", "--engine-id", ENGINE]).args(arguments);
        let output = run_with("maplesyrup\nmaplesyrup\n", &mut command);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        stdout(&output)
    };
    let sha256 = hash(&[]);
    for line in [
        "[[snmp.user]]",
        "name = \"nms\"",
        "auth = \"sha256\"",
        "auth_key = \"8982e0e549e866db361a6b625d84cccc11162d453ee8ce3a6445c2d6776f0f8b\"",
        "priv = \"aes128\"",
        "priv_key = \"8982e0e549e866db361a6b625d84cccc\"",
        "# createUser -e 0x000000000000000000000002 nms SHA-256 \"AUTH PASSWORD\" AES \"PRIV PASSWORD\"",
    ] {
        assert!(sha256.lines().any(|printed| printed == line), "{line}: {sha256}");
    }
    let long = hash(&["--auth", "md5", "--priv", "aes256"]);
    assert!(long.contains("526f5eed9fcce26f8964c2930787d82bfa24a92467426c2f4b09192be10dfaec"), "{long}");
    let reeder = hash(&["--auth", "sha1", "--priv", "aes192c"]);
    assert!(reeder.contains("\"6695febc9288e36282235fc7151f128497b38f3f9b8b6d78\""), "{reeder}");
    let master = hash(&["--auth", "sha1", "--priv", "des", "--master"]);
    for name in ["auth_master_key", "priv_master_key"] {
        assert!(master.contains(&format!("{name} = \"9fb5cc0381497b3793528939ff788d5d79145211\"")), "{master}");
    }
    assert!(!hash(&["--priv", "none"]).contains("priv"));
    // What is printed is what the configuration takes.
    let directory = directory();
    for text in [sha256, long, reeder, master] {
        let file = configured(directory.path(), &format!("[snmp]\nengine_id = \"{ENGINE}\"\n{text}"));
        let check = run(vitalsd().arg("check-config").arg(&file));
        assert_eq!(check.status.code(), Some(0), "{}", stderr(&check));
    }
}

#[test]
fn passwords_that_are_missing_or_short_make_no_keys() {
    for (input, said) in [("", "first line"), ("maplesyrup\n", "second line"), ("maple\nmaplesyrup\n", "5 characters")]
    {
        let output = run_with(input, vitalsd().args(["user", "hash", "nms", "--engine-id", ENGINE]));
        assert_eq!((output.status.code(), stdout(&output)), (Some(1), String::new()));
        assert!(stderr(&output).contains(said), "{}", stderr(&output));
    }
    for wrong in [&["--auth", "sha3"][..], &["--engine-id", "80"], &["--auth", "none"]] {
        let output = run_with("", vitalsd().args(["user", "hash", "nms"]).args(wrong));
        assert_eq!(output.status.code(), Some(2), "{wrong:?}");
    }
}

#[test]
fn keys_that_are_made_before_the_first_start_fit_the_engine_that_starts() {
    let directory = directory();
    let file = configured(directory.path(), "");
    let hash = || run_with("maplesyrup\nmaplesyrup\n", vitalsd().args(["user", "hash", "nms", "--config"]).arg(&file));
    let (first, second) = (hash(), hash());
    assert_eq!(first.status.code(), Some(0), "{}", stderr(&first));
    assert_eq!(stdout(&first), stdout(&second), "the engine ID is kept");
    let id = value(&stdout(&engine("show", &file)), "engine ID");
    assert!(stdout(&first).contains(&format!("createUser -e 0x{id} nms")) && id.starts_with("80007ed980"), "{id}");
    // Where nothing can be kept, there is no key that would soon be wrong.
    fs::write(&file, "[agent]\nstate_dir = \"/proc/nowhere\"\n").expect("a file");
    let refused = run_with("maplesyrup\nmaplesyrup\n", vitalsd().args(["user", "hash", "nms", "--config"]).arg(&file));
    assert_eq!((refused.status.code(), stdout(&refused)), (Some(1), String::new()));
    assert!(stderr(&refused).contains("--engine-id"), "{}", stderr(&refused));
}

#[test]
fn the_engine_is_the_same_after_a_kill_and_has_started_once_more() {
    let mut agent = Agent::on_fixture("");
    let shown = || stdout(&engine("show", &agent.config()));
    let before = shown();
    let id = value(&before, "engine ID");
    assert_eq!((value(&before, "boots"), value(&before, "SNMPv3")), ("1".into(), "open".into()));
    assert!(value(&before, "running").starts_with("for "));
    assert!(agent.log().contains(&format!("engine ID      {id}\n")), "{}", agent.log());
    agent.kill_and_restart();
    let after = stdout(&engine("show", &agent.config()));
    assert_eq!((value(&after, "engine ID"), value(&after, "boots")), (id.clone(), "2".into()));
    let json = run(vitalsd().args(["status", "--json", "--config"]).arg(agent.config()));
    let report: serde_json::Value = serde_json::from_str(&stdout(&json)).expect("JSON");
    assert_eq!((&report["engine"]["id"], &report["engine"]["boots"]), (&id.clone().into(), &2.into()));
    assert!(stdout(&run(vitalsd().args(["status", "--config"]).arg(agent.config()))).contains(&id));
    let nothing = engine("reset", &agent.config());
    assert!(nothing.status.success() && stdout(&nothing).contains("nothing was changed"), "{}", stdout(&nothing));
    assert_eq!(agent.end(), Some(0));
    let asleep = stdout(&engine("show", &agent.config()));
    assert_eq!((value(&asleep, "boots"), value(&asleep, "running")), ("2".into(), "no".into()));
}

/// Edits the configuration of an agent and makes it read it again.
fn reload(agent: &Agent, edit: impl Fn(&str) -> String) {
    let done = agent.log().matches("the configuration was taken over").count();
    let text = fs::read_to_string(agent.config()).expect("a file");
    fs::write(agent.config(), edit(&text)).expect("a file");
    agent.signal("HUP");
    wait_for("the reload", || (agent.log().matches("the configuration was taken over").count() > done).then_some(()));
}

const USER: &str = r#"
    [[snmp.user]]
    name = "nms"
    auth = "sha256"
    auth_password = "maplesyrup"
    priv = "aes128"
    priv_password = "maplesyrup2"
"#;

/// Asks for sysName as the user `nms`, with other protocols if any are given.
fn version3(agent: &Agent, level: &str, protocols: &[&str]) -> Output {
    let protocols = if protocols.is_empty() { &["-a", "SHA-256", "-x", "AES"] } else { protocols };
    let mut arguments = vec!["-v3", "-u", "nms", "-A", "maplesyrup", "-X", "maplesyrup2", "-l", level];
    arguments.extend(protocols);
    arguments.extend(["-t", "1", "-r", "0", "-Oqv"]);
    agent.snmp_output("snmpget", &arguments, &["1.3.6.1.2.1.1.5.0"])
}

#[test]
fn managers_that_know_the_passwords_are_answered_where_only_keys_are_stored() {
    let agent = Agent::on_fixture("");
    let text = fs::read_to_string(agent.config()).expect("a file");
    for (auth, privacy, tools) in [
        ("sha256", "aes128", ["-a", "SHA-256", "-x", "AES"]),
        ("md5", "des", ["-a", "MD5", "-x", "DES"]),
        ("sha1", "aes256", ["-a", "SHA", "-x", "AES-256"]),
        ("sha512", "aes192c", ["-a", "SHA-512", "-x", "AES-192-C"]),
    ] {
        for more in [&[][..], &["--master"]] {
            let mut command = vitalsd();
            command.args(["user", "hash", "nms", "--auth", auth, "--priv", privacy]).args(more);
            let hash = run_with("maplesyrup\nmaplesyrup2\n", command.arg("--config").arg(agent.config()));
            assert_eq!(hash.status.code(), Some(0), "{}", stderr(&hash));
            reload(&agent, |_| format!("{text}\n{}", stdout(&hash)));
            let answer = version3(&agent, "authPriv", &tools);
            assert!(stdout(&answer).contains("sensor-07"), "{auth} {privacy} {more:?}: {}", stderr(&answer));
        }
    }
    assert!(!version3(&agent, "noAuthNoPriv", &[]).status.success(), "the keys are needed");
}

#[test]
fn a_fixed_engine_whose_boots_were_lost_is_closed_until_a_reset() {
    let mut agent = Agent::on_fixture(USER);
    let own = value(&stdout(&engine("show", &agent.config())), "engine ID");
    reload(&agent, |text| text.replace("[snmp]\n", "[snmp]\nengine_id = \"80007ed904aa\"\n"));
    let fixed = stdout(&engine("show", &agent.config()));
    assert_eq!((value(&fixed, "engine ID"), value(&fixed, "SNMPv3")), ("80007ed904aa".into(), "open".into()));
    let boots = |text: &str| value(text, "boots").parse::<u32>().expect("a number");
    assert!(boots(&fixed) > 200_000_000, "seconds since 2020: {fixed}");

    assert_eq!(agent.end(), Some(0));
    let lose = |agent: &Agent| {
        let file = agent.directory.path().join("state/engine.json");
        fs::write(file, "{").expect("damaged");
    };
    lose(&agent);
    agent.restart();
    let closed = stdout(&engine("show", &agent.config()));
    assert!(value(&closed, "SNMPv3").contains("vitalsd engine reset"), "{closed}");
    assert!(agent.log().contains("SNMPv3 is closed"), "{}", agent.log());
    assert!(!version3(&agent, "authPriv", &[]).status.success());
    // v2c goes on.
    assert!(agent.snmp("snmpget", &["-v2c", "-cpublic", "-Oqv"], &["1.3.6.1.2.1.1.5.0"]).contains("sensor-07"));
    let reset = engine("reset", &agent.config());
    assert!(reset.status.success() && stdout(&reset).contains("80007ed904aa"), "{}", stderr(&reset));
    let open = stdout(&engine("show", &agent.config()));
    assert_eq!(value(&open, "SNMPv3"), "open");
    assert!(boots(&open) >= boots(&fixed), "{open}");
    let answer = version3(&agent, "authPriv", &[]);
    assert!(stdout(&answer).contains("sensor-07"), "at once: {}", stderr(&answer));

    // The same while no agent runs.
    assert_eq!(agent.end(), Some(0));
    lose(&agent);
    let reset = engine("reset", &agent.config());
    assert!(reset.status.success(), "{}", stderr(&reset));
    agent.restart();
    let again = stdout(&engine("show", &agent.config()));
    assert_eq!(value(&again, "SNMPv3"), "open");
    assert!(boots(&again) >= boots(&open), "{again}");
    assert!(version3(&agent, "authPriv", &[]).status.success());
    reload(&agent, |text| text.replace("engine_id = \"80007ed904aa\"\n", ""));
    let other = value(&stdout(&engine("show", &agent.config())), "engine ID");
    assert!(other != own && other.starts_with("80007ed980"), "{other}: boots of {own} were lost");
    let refused = engine("reset", &agent.config());
    assert!(refused.status.success() && stdout(&refused).contains("is open"), "{}", stderr(&refused));
}
