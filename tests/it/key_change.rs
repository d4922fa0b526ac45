//! Users who change their own keys with `snmpusm`, who else can't, and what of it outlives a kill and an edited file.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::agent::{Agent, stdout, vitalsd, wait_for};
use crate::engine::run_with;
use crate::v3::{all, ask, engine_id, keys, keys_with, user};

const NAME: &str = "1.3.6.1.2.1.1.5.0";

/// Has `snmpusm` change keys: `-Ca` that of authentication, `-Cx` that of privacy.
fn passwd(agent: &Agent, who: &[String], which: &str, old: &str, new: &str) -> String {
    all(&ask(agent, "snmpusm", who, &[which, "passwd", old, new]))
}

/// Whether this user is answered.
fn works(agent: &Agent, who: &[String]) -> bool {
    let output = ask(agent, "snmpget", who, &[NAME]);
    let said = all(&output);
    assert!(
        output.status.success() || said.contains("Authentication failure") || said.contains("Decryption"),
        "{said}"
    );
    output.status.success()
}

/// Edits the configuration and makes the agent read it again.
fn reload(agent: &Agent, from: &str, to: &str) {
    let taken = || agent.log().matches("the configuration was taken over").count();
    let before = taken();
    edit(agent, from, to);
    agent.signal("HUP");
    wait_for("the reload", || (taken() > before).then_some(()));
}

fn edit(agent: &Agent, from: &str, to: &str) {
    let text = fs::read_to_string(agent.config()).expect("a file");
    assert!(text.contains(from), "{from}: {text}");
    fs::write(agent.config(), text.replace(from, to)).expect("a file");
}

#[test]
fn a_user_changes_his_own_keys_and_they_stay() {
    let mut agent = Agent::on_fixture(&(user("nms", "") + &user("other", "")));
    let (old, half, new) =
        (keys("nms"), keys_with("nms", "auth-changed", "priv-nms"), keys_with("nms", "auth-changed", "priv-changed"));
    let said = passwd(&agent, &old, "-Ca", "auth-nms", "auth-changed");
    assert!(said.contains("Key(s) successfully changed"), "{said}");
    assert_eq!([&old, &half].map(|who| works(&agent, who)), [false, true]);
    let said = passwd(&agent, &half, "-Cx", "priv-nms", "priv-changed");
    assert!(said.contains("Key(s) successfully changed"), "{said}");
    let after = |agent: &Agent| [&old, &half, &new].map(|who| works(agent, who));
    assert_eq!(after(&agent), [false, false, true]);
    agent.kill_and_restart();
    assert_eq!(after(&agent), [false, false, true]);
    let state = fs::read_to_string(agent.directory.path().join("state/settings.json")).expect("a file");
    assert!(!state.contains("changed") && !agent.log().contains("auth-changed"), "no password is anywhere");

    // Another user's entry is none of his.
    reload(&agent, "auth-other", "auth-another");
    assert_eq!(after(&agent), [false, false, true]);
    agent.kill_and_restart();
    assert_eq!(after(&agent), [false, false, true]);
    assert!(works(&agent, &keys_with("other", "auth-another", "priv-other")));

    // His own is: the file wins, for both of his keys.
    reload(&agent, "\"auth-nms\"", "\"auth-edited\"");
    assert!(works(&agent, &keys_with("nms", "auth-edited", "priv-nms")));
    assert_eq!(after(&agent), [false, false, false]);
    agent.kill_and_restart();
    assert!(works(&agent, &keys_with("nms", "auth-edited", "priv-nms")));
    // What the file has overruled is gone for good.
    reload(&agent, "\"auth-edited\"", "\"auth-nms\"");
    assert_eq!(after(&agent), [true, false, false]);
    agent.kill_and_restart();
    assert_eq!(after(&agent), [true, false, false]);
}

#[test]
fn a_file_that_is_edited_while_no_agent_runs_wins_too() {
    let mut agent = Agent::on_fixture(&user("nms", ""));
    let said = passwd(&agent, &keys("nms"), "-Ca", "auth-nms", "auth-changed");
    assert!(said.contains("Key(s) successfully changed"), "{said}");
    assert_eq!(agent.end(), Some(0));
    edit(&agent, "\"priv-nms\"", "\"priv-edited\"");
    agent.restart();
    assert!(works(&agent, &keys_with("nms", "auth-nms", "priv-edited")));
    assert!(!works(&agent, &keys_with("nms", "auth-changed", "priv-edited")));
}

/// No password need stand in the configuration: it may be in a file of its own, or only the keys made of it are known.
#[test]
fn users_without_a_password_in_the_file_are_answered() {
    let agent = Agent::on_fixture("");
    let secret = |name: &str, text: &str| {
        let path = agent.directory.path().join(name);
        fs::write(&path, format!("{text}\n")).expect("a file");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("permissions");
        path.display().to_string()
    };
    let files = user("nms", "")
        .replace("auth_password = \"auth-nms\"", &format!("auth_password_file = {:?}", secret("auth", "maple syrup")))
        .replace("priv_password = \"priv-nms\"", &format!("priv_password_file = {:?}", secret("priv", "birch syrup")));
    let mut hash = vitalsd();
    hash.args(["user", "hash", "noc", "--config"]).arg(agent.config());
    let hashed = run_with("maple sugar\nbirch sugar\n", &mut hash);
    assert!(hashed.status.success(), "{}", all(&hashed));
    let hashed = stdout(&hashed);
    assert!(!hashed.contains("sugar"), "{hashed}");
    reload(&agent, "[http]", &format!("{files}{hashed}[http]"));
    assert!(works(&agent, &keys_with("nms", "maple syrup", "birch syrup")));
    assert!(works(&agent, &keys_with("noc", "maple sugar", "birch sugar")));
    let said = passwd(&agent, &keys_with("noc", "maple sugar", "birch sugar"), "-Ca", "maple sugar", "auth-changed");
    assert!(said.contains("Key(s) successfully changed"), "{said}");
    assert!(works(&agent, &keys_with("noc", "auth-changed", "birch sugar")));
}

/// Every protocol has a key length of its own, and two ways of making it.
#[test]
fn keys_of_every_length_are_changed() {
    let protocols = [
        ("md5", "MD5", "des", "DES"),
        ("sha1", "SHA", "aes256", "AES-256"),
        ("sha512", "SHA-512", "aes192c", "AES-192-C"),
    ];
    let entry = |(auth, _, privacy, _)| {
        format!(
            "[[snmp.user]]\nname = \"{auth}\"\nauth = \"{auth}\"\nauth_password = \"auth-one\"\npriv = \"{privacy}\"\n\
             priv_password = \"priv-one\"\n"
        )
    };
    let agent = Agent::on_fixture(&protocols.map(entry).concat());
    for (name, auth, _, privacy) in protocols {
        let who = |password: &str, secret: &str| {
            ["-v3", "-u", name, "-l", "authPriv", "-a", auth, "-A", password, "-x", privacy, "-X", secret]
                .map(String::from)
        };
        let said = passwd(&agent, &who("auth-one", "priv-one"), "-Ca", "auth-one", "auth-two");
        assert!(said.contains("Key(s) successfully changed"), "{name}: {said}");
        let said = passwd(&agent, &who("auth-two", "priv-one"), "-Cx", "priv-one", "priv-two");
        assert!(said.contains("Key(s) successfully changed"), "{name}: {said}");
        assert!(works(&agent, &who("auth-two", "priv-two")) && !works(&agent, &who("auth-one", "priv-one")), "{name}");
    }
}

#[test]
fn both_keys_are_changed_at_once() {
    let entry = user("nms", "").replace("auth-nms", "password-one").replace("priv-nms", "password-one");
    let agent = Agent::on_fixture(&entry);
    let who = |password: &str| keys_with("nms", password, password);
    let said = all(&ask(&agent, "snmpusm", &who("password-one"), &["passwd", "password-one", "password-two"]));
    assert!(said.contains("Key(s) successfully changed"), "{said}");
    assert_eq!(["password-one", "password-two"].map(|password| works(&agent, &who(password))), [false, true]);
}

#[test]
fn nobody_else_changes_a_key() {
    let users = [user("nms", ""), user("other", ""), user("writer", "access = \"write\"")];
    let agent = Agent::on_fixture(&users.concat());
    // With the user's name, `snmpusm` sets usmUserAuthKeyChange, which isn't his own column.
    let of_another =
        |who: &str| all(&ask(&agent, "snmpusm", &keys(who), &["-Ca", "passwd", "auth-nms", "auth-taken", "nms"]));
    assert!(of_another("other").contains("noAccess"), "{}", of_another("other"));
    // Nor is there a way through his own column, for one who may write and knows a key change that would fit.
    let engine: Vec<u8> = hex(&engine_id(&agent));
    let arcs = |octets: &[u8]| octets.iter().map(|octet| format!(".{octet}")).collect::<String>();
    let instance =
        |column: u32| format!("1.3.6.1.6.3.15.1.2.2.1.{column}.{}{}.3{}", engine.len(), arcs(&engine), arcs(b"nms"));
    let community = ["-v2c", "-c", "private"].map(String::from).to_vec();
    let change = "00".repeat(64);
    for (who, columns) in [(keys("other"), &[6, 7, 9, 10][..]), (keys("writer"), &[7, 10]), (community, &[6, 7, 9, 10])]
    {
        for &column in columns {
            let said = all(&ask(&agent, "snmpset", &who, &[&instance(column), "x", &change]));
            assert!(said.contains("noAccess"), "{who:?} {column}: {said}");
        }
    }
    assert!(works(&agent, &keys("nms")));
    // Who may write may give a user a key, if he knows the present one.
    let said = of_another("writer");
    assert!(said.contains("Key(s) successfully changed"), "{said}");
    assert!(works(&agent, &keys_with("nms", "auth-taken", "priv-nms")));
}

fn hex(digits: &str) -> Vec<u8> {
    let pairs = digits.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).expect("digits"));
    pairs.map(|pair| u8::from_str_radix(pair, 16).expect("digits")).collect()
}

/// Keys are made of passwords once; a dump of the memory must not tell them.
#[test]
fn passwords_do_not_stay_in_memory() {
    let password = "a password to look for";
    let agent = Agent::on_fixture(&user("nms", "").replace("auth-nms", password));
    assert!(works(&agent, &keys_with("nms", password, "priv-nms")));
    let holds = |text: &str| {
        let maps = fs::read_to_string(format!("/proc/{}/maps", agent.pid())).expect("a file");
        let memory = fs::File::open(format!("/proc/{}/mem", agent.pid())).expect("the memory of a child");
        maps.lines().filter(|line| line.split(' ').nth(1).is_some_and(|rights| rights.starts_with("rw"))).any(|line| {
            let (start, end) = line.split(' ').next().and_then(|range| range.split_once('-')).expect("a range");
            let [start, end] = [start, end].map(|place| u64::from_str_radix(place, 16).expect("a number"));
            let mut octets = vec![0; usize::try_from(end - start).expect("fits")];
            let read = std::os::unix::fs::FileExt::read_at(&memory, &mut octets, start).unwrap_or(0);
            octets[..read].windows(text.len()).any(|window| window == text.as_bytes())
        })
    };
    assert!(holds("sensor-07") && !holds(password));
    agent.signal("HUP");
    wait_for("the reload", || agent.log().contains("the configuration was taken over").then_some(()));
    assert!(!holds(password));
}
