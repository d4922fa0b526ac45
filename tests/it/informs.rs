//! SNMPv3 notifications and informs, received by snmptrapd.

use std::fs;
use std::process::Output;

use crate::agent::{Agent, run, stderr, stdout, vitalsd, wait_for};
use crate::traps::{Receiver, use_memory};

/// Ours and Net-SNMP's names of protocols, one user each.
const USERS: &[(&str, &str, &str, &str, &str)] = &[
    ("none", "none", "", "none", ""),
    ("md5", "md5", "MD5", "none", ""),
    ("sha1", "sha1", "SHA", "none", ""),
    ("sha224", "sha224", "SHA-224", "none", ""),
    ("sha256", "sha256", "SHA-256", "none", ""),
    ("sha384", "sha384", "SHA-384", "none", ""),
    ("sha512", "sha512", "SHA-512", "none", ""),
    ("md5-des", "md5", "MD5", "des", "DES"),
    ("sha1-aes", "sha1", "SHA", "aes128", "AES"),
    ("sha256-aes", "sha256", "SHA-256", "aes128", "AES"),
    ("sha384-aes192", "sha384", "SHA-384", "aes192", "AES-192"),
    ("sha224-aes256", "sha224", "SHA-224", "aes256", "AES-256"),
    ("sha512-aes256", "sha512", "SHA-512", "aes256", "AES-256"),
];

/// `[[snmp.user]]` of such a user; the passwords are his name and more.
fn user(name: &str, auth: &str, privacy: &str) -> String {
    let secret = |kind: &str, protocol: &str| match protocol {
        "none" => String::new(),
        _ => format!("{kind}_password = \"{kind}-of-{name}\"\n"),
    };
    format!(
        "[[snmp.user]]\nname = \"{name}\"\nauth = \"{auth}\"\npriv = \"{privacy}\"\naccess = \"none\"\n{}{}",
        secret("auth", auth),
        secret("priv", privacy)
    )
}

/// snmptrapd's lines for him: for informs, and for traps of this engine.
fn known(engine: &str, name: &str, auth: &str, privacy: &str) -> String {
    let secret = |kind: &str, protocol: &str| match protocol {
        "" => String::new(),
        _ => format!(" {protocol} \"{kind}-of-{name}\""),
    };
    let keys = format!("{name}{}{}", secret("auth", auth), secret("priv", privacy));
    let level = match (auth, privacy) {
        ("", _) => "noauth",
        (_, "") => "auth",
        _ => "priv",
    };
    format!("createUser {keys}\ncreateUser -e 0x{engine} {keys}\nauthUser log,execute,net {name} {level}\n")
}

/// A target of version 3.
fn target(name: &str, kind: &str, user: &str, port: u16) -> String {
    format!(
        "[[notify.snmp]]\nname = \"{name}\"\ntarget = \"udp:127.0.0.1:{port}\"\nversion = \"3\"\nkind = \"{kind}\"\n\
         user = \"{user}\"\ntimeout = \"500ms\"\nretries = 2\n"
    )
}

const RULE: &str = "[[rule]]\nname = \"memory-test\"\nmetric = \"memory_used_ratio\"\nwarning = 0.80\ncritical = 0.95\n\
                    clear = 0.70\n";

fn notify(agent: &Agent, arguments: &[&str]) -> Output {
    run(vitalsd().arg("notify").args(arguments).arg("--config").arg(agent.config()))
}

/// `notify status` as JSON, and the exit code.
fn status(agent: &Agent) -> serde_json::Value {
    let output = notify(agent, &["status", "--json"]);
    serde_json::from_str(&stdout(&output)).expect("JSON")
}

fn engine_id(agent: &Agent) -> String {
    status(agent)["engine"].as_str().expect("an engine ID").to_string()
}

#[test]
fn every_level_is_received() {
    let mut receiver = Receiver::off();
    let users: String = USERS.iter().map(|(name, auth, _, privacy, _)| user(name, auth, privacy)).collect();
    let targets: String = USERS
        .iter()
        .flat_map(|(name, ..)| {
            ["trap", "inform"].map(|kind| target(&format!("{kind}-{name}"), kind, name, receiver.port))
        })
        .collect();
    let agent = Agent::on_fixture(&format!("{users}{targets}"));
    let engine = engine_id(&agent);
    let known: String = USERS.iter().map(|(name, _, auth, _, privacy)| known(&engine, name, auth, privacy)).collect();
    receiver.run(&known);
    let output = notify(&agent, &["test"]);
    let text = stdout(&output);
    assert_eq!(output.status.code(), Some(0), "{text}{}", stderr(&output));
    assert_eq!(text.matches("acknowledged in ").count(), USERS.len(), "{text}");
    assert!(
        text.contains(&format!("createUser -e 0x{engine} sha256-aes SHA-256 \"AUTH PASSWORD\" AES \"PRIV PASSWORD\""))
    );
    assert!(text.contains("its snmptrapd.conf: createUser sha256-aes SHA-256"), "{text}");
    let told = |kind: &str, name: &str, id: &str| {
        let who = format!("{kind}, SNMP v3, user {name}, context ");
        let what = format!(".1.3.6.1.6.3.1.1.4.1.0 = OID: {id}");
        receiver.log().lines().filter(|line| line.contains(&who) && line.ends_with(&what)).count()
    };
    for (name, ..) in USERS {
        for kind in ["TRAP2", "INFORM"] {
            wait_for(&format!("the test of {kind} {name}"), || {
                (told(kind, name, ".1.3.6.1.4.1.32473.1.0.4") == 1).then_some(())
            });
        }
        // What was told while nobody was there: of informs it is known, and made good.
        wait_for(&format!("coldStart to {name}"), || (told("INFORM", name, ".1.3.6.1.6.3.1.1.5.1") == 1).then_some(()));
    }
    assert!(agent.log().contains(&format!("its snmptrapd.conf: createUser -e 0x{engine} md5 MD5")), "{}", agent.log());
}

#[test]
fn a_receiver_that_was_away_hears_all_in_order() {
    let mut receiver = Receiver::off();
    let name = "sha256-aes";
    let (user, target) = (user(name, "sha256", "aes128"), target("nms", "inform", name, receiver.port));
    let agent = Agent::on_fixture(&format!("{user}{target}{RULE}"));
    let known = known(&engine_id(&agent), name, "SHA-256", "AES");
    receiver.run(&known);
    let settled = |what: &str| {
        wait_for(what, || {
            let status = &status(&agent)["targets"][0];
            (status["pending"] == 0 && status["is_failing"] == false).then_some(())
        });
    };
    settled("coldStart");
    receiver.stop();
    let pending = |number: u64| {
        wait_for("what waits", || (status(&agent)["targets"][0]["pending"].as_u64() >= Some(number)).then_some(()));
    };
    use_memory(&agent, 85);
    pending(1);
    use_memory(&agent, 97);
    pending(2);
    use_memory(&agent, 10);
    pending(3);
    wait_for("the failure", || (status(&agent)["targets"][0]["is_failing"] == true).then_some(()));
    let failing = notify(&agent, &["status"]);
    assert_eq!(failing.status.code(), Some(2));
    assert!(stdout(&failing).contains("no acknowledgement after 3 tries"), "{}", stdout(&failing));
    assert!(!receiver.log().contains("memory-test"));
    // Its boots are others now.
    receiver.run(&known);
    settled("the rest");
    let seen = |arc: u32| -> Vec<usize> {
        let id = format!("OID: .1.3.6.1.4.1.32473.1.0.{arc}\t");
        let log = receiver.log();
        log.lines()
            .enumerate()
            .filter(|(_, line)| line.contains(&id) && line.contains("memory-test"))
            .map(|(place, _)| place)
            .collect()
    };
    let [raised, changed, cleared] = [1, 2, 3].map(seen);
    assert_eq!([raised.len(), changed.len(), cleared.len()], [1, 1, 1], "{}", receiver.log());
    assert!(raised < changed && changed < cleared, "{}", receiver.log());
}

#[test]
fn a_receiver_that_becomes_another_is_discovered_anew() {
    let mut receiver = Receiver::off();
    let name = "sha1-aes";
    let (user, target) = (user(name, "sha1", "aes128"), target("nms", "inform", name, receiver.port));
    let agent = Agent::on_fixture(&format!("{user}{target}"));
    let known = known(&engine_id(&agent), name, "SHA", "AES");
    let tested = || {
        let output = notify(&agent, &["test", "nms"]);
        (output.status.code(), stdout(&output))
    };
    receiver.run(&known);
    let (code, text) = tested();
    assert_eq!(code, Some(0), "{text}");
    // Another engine ID.
    receiver.forget();
    receiver.run(&known);
    let (code, text) = tested();
    assert_eq!(code, Some(0), "{text}");
    // The same engine ID, started once more, and then for the first time.
    receiver.stop();
    receiver.run(&known);
    let (code, text) = tested();
    assert_eq!(code, Some(0), "{text}");
    receiver.forget_boots();
    receiver.run(&known);
    let (code, text) = tested();
    assert_eq!(code, Some(2), "{text}");
    assert!(text.contains("snmpEngineBoots or its time went back"), "{text}");
    agent.signal("HUP");
    wait_for("trust", || (tested().0 == Some(0)).then_some(()));
}

#[test]
fn what_a_receiver_refuses_is_said() {
    let mut receiver = Receiver::off();
    let users = ["wrong-auth", "wrong-priv", "unknown", "too-safe"].map(|name| user(name, "sha256", "aes128")).concat();
    let targets = ["wrong-auth", "wrong-priv", "unknown", "too-safe"]
        .map(|name| target(name, "inform", name, receiver.port))
        .concat();
    let agent = Agent::on_fixture(&format!("{users}{targets}"));
    receiver.run(
        "createUser wrong-auth SHA-256 \"not-of-wrong-auth\" AES \"priv-of-wrong-auth\"\n\
         createUser wrong-priv SHA-256 \"auth-of-wrong-priv\" AES \"not-of-wrong-priv\"\n\
         createUser too-safe SHA-256 \"auth-of-too-safe\"\n\
         authUser log,execute,net wrong-auth\nauthUser log,execute,net wrong-priv\nauthUser log,execute,net too-safe\n",
    );
    let said = |name: &str| {
        let output = notify(&agent, &["test", name]);
        assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
        stdout(&output)
    };
    let expected = [
        ("wrong-auth", "FAILED: the receiver has another authentication key or protocol for the user `wrong-auth`"),
        ("unknown", "FAILED: the receiver does not know the user `unknown`"),
        ("too-safe", "FAILED: the receiver has not the keys for this level of security for the user `too-safe`"),
        ("wrong-priv", "the receiver has the authentication key, but may have another privacy key, or not authorize"),
    ];
    for (name, reason) in expected {
        let text = said(name);
        assert!(text.contains(reason), "{text}");
    }
    receiver.stop();
    let text = said("unknown");
    assert!(text.contains("FAILED: no acknowledgement after 3 tries in ") && text.contains("refused"), "{text}");
    let nobody = notify(&agent, &["test", "nobody"]);
    assert_eq!(nobody.status.code(), Some(3));
    assert!(stderr(&nobody).contains("no target that is called `nobody`"));
}

#[test]
fn starts_links_and_failed_authentications_are_told() {
    let mut receiver = Receiver::off();
    let target = format!(
        "[[notify.snmp]]\nname = \"nms\"\ntarget = \"udp:127.0.0.1:{}\"\nkind = \"inform\"\ncommunity = \"traps\"\n\
         minimum_severity = \"critical\"\n",
        receiver.port
    );
    receiver.run("authCommunity log,execute,net traps\n");
    let mut agent = Agent::on_fixture(&target);
    let told = |arc: u32| -> Vec<String> {
        let (what, log) = (format!(".1.3.6.1.6.3.1.1.4.1.0 = OID: .1.3.6.1.6.3.1.1.5.{arc}"), receiver.log());
        log.lines().filter(|line| line.contains("INFORM, SNMP v2c") && line.contains(&what)).map(String::from).collect()
    };
    let once = |arc: u32| -> String {
        wait_for(&format!("snmpTraps.{arc}"), || (!told(arc).is_empty()).then_some(()));
        let lines: Vec<String> = told(arc);
        assert_eq!(lines.len(), 1, "{lines:?}");
        lines[0].clone()
    };
    once(1);
    let index = agent.snmp("snmpwalk", &["-v2c", "-c", "public", "-Oqn"], &["1.3.6.1.4.1.32473.1.1.24.1.2"]);
    let index = index.lines().find(|line| line.ends_with("eth0\"")).expect("eth0").to_string();
    let index = index.split_whitespace().next().and_then(|name| name.rsplit('.').next()).expect("an index").to_string();
    let operstate = agent.root("sys/class/net/eth0/operstate");
    let set = |state: &str| {
        let fresh = operstate.with_extension("new");
        fs::write(&fresh, state).expect("a file");
        fs::rename(fresh, &operstate).expect("a renaming");
    };
    set("down\n");
    let down = once(3);
    for (column, value) in [(1, index.as_str()), (7, "1"), (8, "2")] {
        let varbind = format!(".1.3.6.1.2.1.2.2.1.{column}.{index} = INTEGER: {value}");
        assert!(down.contains(&varbind), "{varbind}: {down}");
    }
    set("up\n");
    once(4);
    agent.signal("HUP");
    once(2);
    for _ in 0..3 {
        agent.snmp_output("snmpget", &["-v2c", "-c", "wrong", "-r", "0", "-t", "0.2"], &["1.3.6.1.2.1.1.3.0"]);
    }
    once(5);
    let left_out = |page: String| page.contains("\nvitals_snmp_authen_traps_left_out_total 2\n").then_some(());
    wait_for("what was left out", || left_out(agent.page("/metrics")));
    assert_eq!(agent.end(), Some(0));
    let output = notify(&agent, &["test"]);
    assert_eq!(output.status.code(), Some(3));
    assert!(stderr(&output).contains("no agent is running"));
}

#[test]
fn a_changed_key_signs_traps_at_once() {
    let mut receiver = Receiver::off();
    let user = user("nms", "sha1", "aes128").replace("access = \"none\"\n", "");
    let agent = Agent::on_fixture(&format!("{user}{}", target("nms", "trap", "nms", receiver.port)));
    let options =
        ["-v3", "-u", "nms", "-l", "authPriv", "-a", "SHA", "-A", "auth-of-nms", "-x", "AES", "-X", "priv-of-nms"];
    let changed = run(std::process::Command::new("snmpusm").env("MIBS", "").args(options).args([
        "-Ca",
        &format!("127.0.0.1:{}", agent.port),
        "passwd",
        "auth-of-nms",
        "changed-of-nms",
    ]));
    assert!(changed.status.success(), "{}", stderr(&changed));
    receiver.run(&format!(
        "createUser -e 0x{} nms SHA \"changed-of-nms\" AES \"priv-of-nms\"\nauthUser log,execute,net nms priv\n",
        engine_id(&agent)
    ));
    let output = notify(&agent, &["test"]);
    assert_eq!(output.status.code(), Some(0), "{}", stdout(&output));
    wait_for("the trap", || receiver.log().contains("TRAP2, SNMP v3, user nms").then_some(()));
}
