//! SNMPv3 as net-snmp's tools see it: every protocol, what users see, restarts, and SETs that meet each other.

use std::fs;
use std::process::{Command, Output};
use std::thread;

use crate::agent::{Agent, run, stderr, stdout, still, vitalsd, wait_for};

const NAME: &str = "1.3.6.1.2.1.1.5.0";
const CONTACT: &str = "1.3.6.1.2.1.1.4.0";
const UP_TIME: &str = "1.3.6.1.2.1.1.3.0";
const SERIAL: &str = "1.3.6.1.6.3.1.1.6.1.0";
const AUTHEN_TRAPS: &str = "1.3.6.1.2.1.11.30.0";
/// snmpEngineBoots.
const BOOTS: &str = "1.3.6.1.6.3.10.2.1.2.0";

/// Authentication, as the configuration and as net-snmp's tools call it.
const AUTHS: [(&str, &str); 6] = [
    ("md5", "MD5"),
    ("sha1", "SHA"),
    ("sha224", "SHA-224"),
    ("sha256", "SHA-256"),
    ("sha384", "SHA-384"),
    ("sha512", "SHA-512"),
];

/// Privacy, likewise.
const PRIVACIES: [(&str, &str); 6] = [
    ("des", "DES"),
    ("aes128", "AES"),
    ("aes192", "AES-192"),
    ("aes256", "AES-256"),
    ("aes192c", "AES-192-C"),
    ("aes256c", "AES-256-C"),
];

/// A user with SHA-256 and AES-128, and more lines of his entry.
pub fn user(name: &str, more: &str) -> String {
    format!(
        "[[snmp.user]]\nname = \"{name}\"\nauth = \"sha256\"\nauth_password = \"auth-{name}\"\npriv = \"aes128\"\n\
         priv_password = \"priv-{name}\"\n{more}\n"
    )
}

/// What net-snmp's tools need to be that user.
pub fn keys(name: &str) -> Vec<String> {
    keys_with(name, &format!("auth-{name}"), &format!("priv-{name}"))
}

/// The same with other passwords.
pub fn keys_with(name: &str, auth: &str, privacy: &str) -> Vec<String> {
    ["-v3", "-u", name, "-l", "authPriv", "-a", "SHA-256", "-A", auth, "-x", "AES", "-X", privacy]
        .map(String::from)
        .to_vec()
}

/// A tool of net-snmp as some user, its output.
pub fn ask(agent: &Agent, tool: &str, who: &[String], oids: &[&str]) -> Output {
    // Caches of the tools are no part of this.
    let who: Vec<&str> = who.iter().map(String::as_str).collect();
    agent.snmp_output(tool, &[&["-Oqv"], &who[..]].concat(), oids)
}

/// The value that a GET of one name brings.
pub fn value(agent: &Agent, who: &[String], oid: &str) -> String {
    let output = ask(agent, "snmpget", who, &[oid]);
    assert!(output.status.success(), "{who:?} {oid}: {}", stderr(&output));
    stdout(&output).trim().trim_matches('"').to_string()
}

/// Both outputs as text.
pub fn all(output: &Output) -> String {
    stdout(output) + &stderr(output)
}

fn number(agent: &Agent, who: &[String], oid: &str) -> u32 {
    let text = value(agent, who, oid);
    text.parse().unwrap_or_else(|_| panic!("{oid}: {text}"))
}

#[test]
fn every_authentication_with_every_privacy_is_answered() {
    let mut users = String::from("[[snmp.user]]\nname = \"open\"\n");
    for (auth, _) in AUTHS {
        users += &format!("[[snmp.user]]\nname = \"{auth}\"\nauth = \"{auth}\"\nauth_password = \"of-{auth}-auth\"\n");
        for (privacy, _) in PRIVACIES {
            users += &format!(
                "[[snmp.user]]\nname = \"{auth}-{privacy}\"\nauth = \"{auth}\"\nauth_password = \"of-{auth}-auth\"\n\
                 priv = \"{privacy}\"\npriv_password = \"of-{privacy}-priv\"\n"
            );
        }
    }
    let agent = Agent::on_fixture(&users);
    let get = |who: &[&str]| {
        let who: Vec<String> = [&["-v3"], who].concat().into_iter().map(String::from).collect();
        assert_eq!(value(&agent, &who, NAME), "sensor-07", "{who:?}");
    };
    get(&["-l", "noAuthNoPriv", "-u", "open"]);
    thread::scope(|threads| {
        for (auth, tool) in AUTHS {
            let get = &get;
            threads.spawn(move || {
                let of_auth = format!("of-{auth}-auth");
                get(&["-l", "authNoPriv", "-u", auth, "-a", tool, "-A", &of_auth]);
                for (privacy, cipher) in PRIVACIES {
                    let (name, of_priv) = (format!("{auth}-{privacy}"), format!("of-{privacy}-priv"));
                    get(&["-l", "authPriv", "-u", &name, "-a", tool, "-A", &of_auth, "-x", cipher, "-X", &of_priv]);
                }
            });
        }
    });
}

/// The names of a walk of everything.
fn walk(agent: &Agent, tool: &str, who: &[String]) -> Vec<String> {
    let who: Vec<&str> = who.iter().map(String::as_str).collect();
    names(&agent.snmp(tool, &who, &[".1"]))
}

/// The names of what a tool printed; that there is no more, it prints with the last one again.
fn names(text: &str) -> Vec<String> {
    let binds = text.lines().filter_map(|line| line.split_once(" = "));
    binds.filter(|(_, value)| !value.starts_with("No more variables")).map(|(name, _)| name.to_string()).collect()
}

#[test]
fn a_walk_is_that_of_v2c_over_udp_and_over_tcp() {
    let agent = Agent::on_fixture(&(user("nms", "") + &still()));
    let public = ["-v2c", "-c", "public"].map(String::from);
    let walked = walk(&agent, "snmpwalk", &public);
    assert!(walked.len() > 300, "{}", walked.len());
    assert_eq!(walk(&agent, "snmpwalk", &keys("nms")), walked);
    assert_eq!(walk(&agent, "snmpbulkwalk", &keys("nms")), walked);

    let text = fs::read_to_string(agent.config()).expect("a file");
    let udp = format!("\"udp:127.0.0.1:{}\"", agent.port);
    fs::write(agent.config(), text.replace(&udp, &format!("{udp}, {}", udp.replace("udp", "tcp")))).expect("a file");
    agent.signal("HUP");
    let over_tcp = |tool: &str, oid: &str| {
        let place = format!("tcp:127.0.0.1:{}", agent.port);
        run(Command::new(tool)
            .env("MIBS", "")
            .args(["-On", "-t", "2", "-r", "1"])
            .args(keys("nms"))
            .args([&place, oid]))
    };
    let is_answered = || over_tcp("snmpget", NAME).status.success();
    wait_for("the TCP listener", || {
        assert!(!agent.log().contains("in use"), "{}", agent.log());
        is_answered().then_some(())
    });
    for tool in ["snmpwalk", "snmpbulkwalk"] {
        let output = over_tcp(tool, ".1");
        assert!(output.status.success(), "{}", stderr(&output));
        assert_eq!(names(&stdout(&output)), walked, "{tool} over TCP");
    }
}

#[test]
fn boots_are_stored_before_anything_is_answered() {
    let mut agent = Agent::on_fixture(&user("nms", ""));
    let nms = keys("nms");
    let mut before = number(&agent, &nms, BOOTS);
    for _ in 0..3 {
        // Killed right after its first answer.
        agent.kill_and_restart();
        let ticks = number(&agent, &[nms.clone(), vec!["-Ot".into()]].concat(), UP_TIME);
        assert!(ticks < 20_00, "sysUpTime starts anew: {ticks}");
        let now = number(&agent, &nms, BOOTS);
        assert_eq!((now, boots(&agent)), (before + 1, before + 1));
        before = now;
    }
    // A manager that remembers another start, or another time of this one, is told the present one and goes on.
    let engine = engine_id(&agent);
    for (wrong, times) in
        [(format!("{},1", before - 1), 1), (format!("{before},100000"), 2), ("2147483647,1".into(), 3)]
    {
        let remembers = [nms.clone(), ["-e", &engine, "-Z", &wrong].map(String::from).to_vec()].concat();
        assert_eq!(value(&agent, &remembers, NAME), "sensor-07", "{wrong}");
        assert_eq!(not_in_window(&agent), times, "{wrong}");
    }
}

/// A line of `vitalsd engine show`.
fn engine(agent: &Agent, name: &str) -> String {
    let shown = stdout(&run(vitalsd().args(["engine", "show", "--config"]).arg(agent.config())));
    let line = shown.lines().find_map(|line| line.strip_prefix(name));
    line.unwrap_or_else(|| panic!("{name}: {shown}")).trim().to_string()
}

/// The engine ID, in hexadecimal digits.
pub fn engine_id(agent: &Agent) -> String {
    engine(agent, "engine ID")
}

/// How often the engine has started.
pub fn boots(agent: &Agent) -> u32 {
    engine(agent, "boots").parse().expect("a number")
}

/// How many messages were of another time.
pub fn not_in_window(agent: &Agent) -> u32 {
    let page = agent.page("/metrics");
    let number = page.lines().find_map(|line| line.strip_prefix("vitals_snmp_usm_not_in_window_total "));
    number.and_then(|number| number.parse().ok()).expect("a counter")
}

#[test]
fn a_user_without_access_and_a_message_below_the_level_are_refused() {
    let users = [
        user("nms", ""),
        user("signer", "access = \"none\""),
        user("writer", "access = \"write\""),
        user("lenient", "level = \"noAuthNoPriv\""),
    ];
    let agent = Agent::on_fixture(&users.concat());
    let refused = |who: &[String], said: &str| {
        for tool in ["snmpget", "snmpgetnext", "snmpbulkget"] {
            let output = ask(&agent, tool, who, &[NAME]);
            assert!(all(&output).contains(said), "{tool} {who:?}: {}", all(&output));
        }
    };
    refused(&keys("signer"), "authorizationError");
    let below = |name: &str| {
        let authenticated = ["-v3", "-u", name, "-l", "authNoPriv", "-a", "SHA-256", "-A", &format!("auth-{name}")];
        [authenticated.map(String::from).to_vec(), ["-v3", "-u", name, "-l", "noAuthNoPriv"].map(String::from).to_vec()]
    };
    for who in below("nms") {
        refused(&who, "authorizationError");
    }
    for who in below("lenient") {
        assert_eq!(value(&agent, &who, NAME), "sensor-07");
    }
    refused(&keys_with("nms", "auth-writer", "priv-nms"), "Authentication failure");
    refused(&keys_with("nms", "auth-nms", "priv-writer"), "Decryption error");
    refused(&keys("nobody"), "Unknown user name");
    // There is the default context of this engine, and no other.
    refused(&[keys("nms"), ["-n", "elsewhere"].map(String::from).to_vec()].concat(), "Bad context");
    let of_another_engine = ["-E", "8000000001020304"].map(String::from).to_vec();
    // What net-snmp calls snmpUnknownPDUHandlers.
    refused(&[keys("nms"), of_another_engine].concat(), "Bad version");
    let set = |name: &str| {
        let (who, contact) = (keys(name), format!("by {name}"));
        all(&ask(&agent, "snmpset", &who, &[CONTACT, "s", &contact]))
    };
    assert!(set("nms").contains("noAccess"), "{}", set("nms"));
    assert!(set("signer").contains("authorizationError"), "{}", set("signer"));
    assert_eq!(value(&agent, &keys("nms"), CONTACT), "ops");
    assert!(set("writer").contains("by writer"));
    assert_eq!(value(&agent, &keys("nms"), CONTACT), "by writer");
}

#[test]
fn what_a_view_excludes_never_shows() {
    let views = r#"
        [[snmp.view]]
        name = "most"
        include = ["1.3.6.1"]
        exclude = ["1.3.6.1.2.1.1.4", "1.3.6.1.4.1.32473.1.1.10", "1.3.6.1.6"]
        [[snmp.view]]
        name = "contact"
        include = ["1.3.6.1.2.1.1.4", "1.3.6.1.2.1.11"]
        exclude = ["1.3.6.1.2.1.11.30"]
    "#;
    let users = [user("nms", ""), user("most", "view = \"most\""), user("contact", "view = \"contact\"")];
    let agent = Agent::on_fixture(&(users.concat() + views + &still()));
    let everything = walk(&agent, "snmpwalk", &keys("nms"));
    let below =
        |name: &str, roots: &[&str]| roots.iter().any(|root| format!("{name}.").starts_with(&format!(".{root}.")));
    let excluded = ["1.3.6.1.2.1.1.4", "1.3.6.1.4.1.32473.1.1.10", "1.3.6.1.6"];
    for hidden in excluded {
        assert!(everything.iter().any(|name| below(name, &[hidden])), "{hidden} is there for those who may see it");
    }
    let most: Vec<String> = everything.iter().filter(|name| !below(name, &excluded)).cloned().collect();
    let contact: Vec<String> = everything
        .iter()
        .filter(|name| below(name, &["1.3.6.1.2.1.1.4", "1.3.6.1.2.1.11"]) && !below(name, &["1.3.6.1.2.1.11.30"]))
        .cloned()
        .collect();
    assert!(contact.len() > 2, "{contact:?}");
    for tool in ["snmpwalk", "snmpbulkwalk"] {
        assert_eq!(walk(&agent, tool, &keys("most")), most, "{tool}");
        assert_eq!(walk(&agent, tool, &keys("contact")), contact, "{tool}");
    }
    // Asked for by name, it isn't there; asked for what comes before it, what comes after it is next.
    let get = |tool: &str, oid: &str| all(&ask(&agent, tool, &[keys("most"), vec!["-OQn".into()]].concat(), &[oid]));
    assert!(get("snmpget", CONTACT).contains("No Such Object"), "{}", get("snmpget", CONTACT));
    assert!(get("snmpgetnext", UP_TIME).contains("sensor-07"), "{}", get("snmpgetnext", UP_TIME));
}

#[test]
fn of_two_managers_that_set_one_notices_the_other() {
    let mut agent = Agent::on_fixture(&user("writer", "access = \"write\""));
    let writer = keys("writer");
    let set = |agent: &Agent, arguments: &[&str]| all(&ask(agent, "snmpset", &writer, arguments));
    let serial = value(&agent, &writer, SERIAL);
    assert!(set(&agent, &[SERIAL, "i", &serial, CONTACT, "s", "the first"]).contains("the first"));
    let second = set(&agent, &[CONTACT, "s", "the second", SERIAL, "i", &serial]);
    assert!(second.contains("inconsistentValue"), "{second}");
    assert_eq!(value(&agent, &writer, CONTACT), "the first");
    let risen = value(&agent, &writer, SERIAL);
    assert_eq!(risen.parse::<u32>().ok(), serial.parse::<u32>().ok().map(|serial| serial + 1));
    // One value that can't be leaves the other as it was.
    let half = set(&agent, &[SERIAL, "i", &risen, AUTHEN_TRAPS, "i", "3"]);
    assert!(half.contains("wrongValue"), "{half}");
    assert_eq!(value(&agent, &writer, SERIAL), risen);

    assert_eq!(value(&agent, &writer, AUTHEN_TRAPS), "1");
    assert!(!set(&agent, &[AUTHEN_TRAPS, "i", "2"]).contains("Error"));
    agent.kill_and_restart();
    let kept = [AUTHEN_TRAPS, CONTACT, SERIAL].map(|oid| value(&agent, &writer, oid));
    assert_eq!(kept, ["2", "the first", &risen]);
}
