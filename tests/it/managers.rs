//! Two managers that share no code with net-snmp's tools or with each other: pysnmp, and the async-snmp crate.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use async_snmp::error::ErrorKind;
use async_snmp::{Auth, AuthProtocol, Client, Oid, PrivProtocol, Retry, UsmConfig, Value};
use serde_json::{Value as Json, json};

use crate::agent::{Agent, stderr, stdout, tests};
use crate::v3::{boots, not_in_window, user};

const NAME: &str = "1.3.6.1.2.1.1.5.0";
const CONTACT: &str = "1.3.6.1.2.1.1.4.0";
const LOCATION: &str = "1.3.6.1.2.1.1.6.0";
const SYSTEM: &str = "1.3.6.1.2.1.1";

/// What came of questions that pysnmp asked, one by one.
fn pysnmp(agent: &Agent, questions: &[Json]) -> Vec<Json> {
    let python = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/peers/venv/bin/python");
    let mut command = Command::new(&python);
    command.arg(tests().join("peers/pysnmp_client.py")).arg(agent.port.to_string());
    let command = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap_or_else(|error| panic!("{python:?}: {error}; tests/setup installs it"));
    let text: String = questions.iter().map(|question| format!("{question}\n")).collect();
    // It may end before it has read all.
    let _ = child.stdin.take().expect("a pipe").write_all(text.as_bytes());
    let output = child.wait_with_output().expect("its end");
    let answers: Vec<Json> = stdout(&output).lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    assert_eq!(answers.len(), questions.len(), "{}", stderr(&output));
    answers
}

/// The same fields and more.
fn with(question: &Json, more: Json) -> Json {
    let mut question = question.clone();
    let fields = more.as_object().expect("an object").clone();
    question.as_object_mut().expect("an object").extend(fields);
    question
}

/// The names and values of an answer without an error.
fn binds(answer: &Json) -> Vec<(&str, &str)> {
    assert_eq!((&answer["indication"], &answer["status"]), (&Json::Null, &json!(0)), "{answer}");
    let binds = answer["binds"].as_array().expect("pairs");
    binds.iter().map(|bind| (bind[0].as_str().expect("a name"), bind[1].as_str().expect("a value"))).collect()
}

#[test]
fn pysnmp_is_answered_by_every_version() {
    let agent = Agent::on_fixture(&user("writer", "access = \"write\""));
    let names = ["1.3.6.1.2.1.1.5", "1.3.6.1.2.1.1.6"];
    let writer = json!({ "version": 3, "user": "writer", "auth": "sha256", "auth_password": "auth-writer",
        "priv": "aes128", "priv_password": "priv-writer" });
    let identities =
        [json!({ "version": 1, "community": "private" }), json!({ "version": 2, "community": "private" }), writer];
    let mut questions = Vec::new();
    for who in &identities {
        let by = format!("by version {}", who["version"]);
        questions.extend([
            with(who, json!({ "operation": "get", "oids": [NAME, CONTACT] })),
            with(who, json!({ "operation": "next", "oids": names })),
            with(who, json!({ "operation": "set", "oids": [CONTACT], "values": [by] })),
            with(who, json!({ "operation": "get", "oids": [CONTACT] })),
        ]);
    }
    let bulk = json!({ "operation": "bulk", "oids": names, "repetitions": 2 });
    questions.extend(identities[1..].iter().map(|who| with(who, bulk.clone())));

    let answers = pysnmp(&agent, &questions);
    let (single, bulk) = answers.split_at(12);
    for (answers, version) in single.chunks(4).zip(1..) {
        let by = format!("by version {version}");
        assert_eq!(binds(&answers[0])[0], (NAME, "sensor-07"), "version {version}");
        assert_eq!(binds(&answers[1]).into_iter().map(|(name, _)| name).collect::<Vec<_>>(), [NAME, LOCATION]);
        assert_eq!((binds(&answers[2]), binds(&answers[3])), (vec![(CONTACT, &*by)], vec![(CONTACT, &*by)]));
    }
    for answer in bulk {
        let names: Vec<&str> = binds(answer).into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, [NAME, LOCATION, LOCATION, "1.3.6.1.2.1.1.7.0"]);
    }
}

/// A user named by his protocols.
fn of_protocols((auth, privacy): (&str, &str)) -> String {
    format!(
        "[[snmp.user]]\nname = \"{auth}-{privacy}\"\nauth = \"{auth}\"\nauth_password = \"password-auth\"\n\
         priv = \"{privacy}\"\npriv_password = \"password-priv\"\n"
    )
}

/// Where a hash is shorter than the key, the two extensions differ.
const PROTOCOLS: [(&str, &str); 7] = [
    ("md5", "des"),
    ("sha1", "aes192"),
    ("sha1", "aes256"),
    ("sha1", "aes192c"),
    ("sha1", "aes256c"),
    ("sha256", "aes256"),
    ("sha512", "aes128"),
];

#[test]
fn pysnmp_has_the_same_keys_and_is_told_what_is_wrong() {
    let agent = Agent::on_fixture(&PROTOCOLS.map(of_protocols).concat());
    let get = json!({ "version": 3, "operation": "get", "oids": [NAME], "auth_password": "password-auth",
        "priv_password": "password-priv" });
    let as_user = |(auth, privacy): (&str, &str)| {
        with(&get, json!({ "user": format!("{auth}-{privacy}"), "auth": auth, "priv": privacy }))
    };
    for (answer, protocols) in pysnmp(&agent, &PROTOCOLS.map(as_user)).iter().zip(PROTOCOLS) {
        assert_eq!(binds(answer), [(NAME, "sensor-07")], "{protocols:?}");
    }
    let good = as_user(("sha256", "aes256"));
    let wrong = [
        (json!({ "user": "nobody" }), "UnknownUserName"),
        (json!({ "auth_password": "password-wrong" }), "WrongDigest"),
        (json!({ "priv_password": "password-wrong" }), "DecryptionError"),
    ];
    let questions = wrong.each_ref().map(|(fields, _)| with(&good, fields.clone()));
    for (answer, (_, said)) in pysnmp(&agent, &questions).iter().zip(wrong) {
        assert_eq!(answer["indication"], said);
    }
    let below = with(&good, json!({ "priv": "none", "priv_password": null }));
    let set = with(&good, json!({ "operation": "set", "oids": [CONTACT], "values": ["x"] }));
    let statuses: Vec<Json> = pysnmp(&agent, &[below, set]).iter().map(|answer| answer["status"].clone()).collect();
    assert_eq!(statuses, [json!(16), json!(6)], "authorizationError and noAccess");
}

fn oid(text: &str) -> Oid {
    Oid::parse(text).expect("an object identifier")
}

/// A client of the crate; it remembers the engine's time from one request to the next.
async fn client(agent: &Agent, who: impl Into<Auth>) -> Client {
    Client::builder(("127.0.0.1", agent.port), who).connect().await.expect("a client")
}

fn usm(name: &str, auth: AuthProtocol, password: &str, privacy: PrivProtocol, secret: &str) -> UsmConfig {
    UsmConfig::new(name.to_string()).auth_priv(auth, password, privacy, secret).expect("keys")
}

#[tokio::test]
async fn async_snmp_reads_writes_and_walks() {
    let agent = Agent::on_fixture(&(user("writer", "access = \"write\"") + &user("nms", "")));
    let as_user = |name: &str| {
        let passwords = (format!("auth-{name}"), format!("priv-{name}"));
        usm(name, AuthProtocol::Sha256, &passwords.0, PrivProtocol::Aes128, &passwords.1)
    };
    let writer = client(&agent, as_user("writer")).await;
    let name = writer.get(&oid(NAME)).await.expect("an answer");
    assert_eq!(name.single().and_then(|bind| bind.value.as_str()), Some("sensor-07"));
    assert!(name.anomalies.is_empty(), "{:?}", name.anomalies);
    let set = writer.set(&oid(CONTACT), Value::OctetString("night shift".into())).await.expect("an answer");
    assert_eq!(set.single().and_then(|bind| bind.value.as_str()), Some("night shift"));
    let bulk = writer.get_bulk(&[oid(SYSTEM)], 0, 5).await.expect("an answer");
    assert_eq!(bulk.len(), 5);

    let walked = writer.walk_getnext(oid(SYSTEM)).expect("a walk").collect().await.expect("its end");
    let names = |binds: &[async_snmp::VarBind]| binds.iter().map(|bind| bind.oid.clone()).collect::<Vec<_>>();
    assert!(walked.len() > 10, "{}", walked.len());
    let bulk = writer.bulk_walk(oid(SYSTEM), 7).expect("a walk").collect().await.expect("its end");
    let community = client(&agent, Auth::v2c("public")).await;
    let plain = community.bulk_walk(oid(SYSTEM), 25).expect("a walk").collect().await.expect("its end");
    assert_eq!((names(&bulk), names(&plain)), (names(&walked), names(&walked)));

    let reader = client(&agent, as_user("nms")).await;
    let refused = reader.set(&oid(CONTACT), Value::OctetString("x".into())).await.expect_err("no access");
    assert!(refused.kind() == ErrorKind::Snmp && refused.to_string().contains("noAccess"), "{refused}");
    // It heeds no Report that isn't authentic: who has a wrong password waits in vain.
    let wrong = usm("nms", AuthProtocol::Sha256, "auth-wrong", PrivProtocol::Aes128, "priv-nms");
    let impatient = Client::builder(("127.0.0.1", agent.port), wrong).request_timeout(Duration::from_millis(300));
    let impatient = impatient.retry(Retry::none()).connect().await.expect("a client");
    assert!(impatient.get(&oid(NAME)).await.is_err());
    assert!(agent.page("/metrics").contains("vitals_snmp_usm_wrong_digests_total 1\n"));
}

/// All but DES, for which this client wants a file of its own to count salts in.
#[tokio::test]
async fn async_snmp_has_the_same_keys() {
    let agent = Agent::on_fixture(&PROTOCOLS.map(of_protocols).concat());
    for (auth, privacy) in PROTOCOLS.into_iter().filter(|(_, privacy)| *privacy != "des") {
        let protocol = match auth {
            "sha1" => AuthProtocol::Sha1,
            "sha256" => AuthProtocol::Sha256,
            _ => AuthProtocol::Sha512,
        };
        let cipher = match privacy {
            "aes128" => PrivProtocol::Aes128,
            "aes192" => PrivProtocol::Aes192Blumenthal,
            "aes256" => PrivProtocol::Aes256Blumenthal,
            "aes192c" => PrivProtocol::Aes192Reeder,
            _ => PrivProtocol::Aes256Reeder,
        };
        let who = usm(&format!("{auth}-{privacy}"), protocol, "password-auth", cipher, "password-priv");
        let answer = client(&agent, who).await.get(&oid(NAME)).await;
        let answer = answer.unwrap_or_else(|error| panic!("{auth} {privacy}: {error}"));
        assert_eq!(answer.single().and_then(|bind| bind.value.as_str()), Some("sensor-07"));
    }
}

/// A manager that runs for months outlives many starts of an agent.
#[tokio::test]
async fn async_snmp_goes_on_after_a_restart() {
    let mut agent = Agent::on_fixture(&user("nms", ""));
    let who = usm("nms", AuthProtocol::Sha256, "auth-nms", PrivProtocol::Aes128, "priv-nms");
    let client = client(&agent, who).await;
    client.get(&oid(NAME)).await.expect("an answer");
    let before = boots(&agent);
    for start in 1..=2 {
        agent.kill_and_restart();
        let answer = client.get(&oid(NAME)).await.expect("an answer");
        assert_eq!(answer.single().and_then(|bind| bind.value.as_str()), Some("sensor-07"));
        assert_eq!(boots(&agent), before + start);
        // One Report put the client right, and the next request needs none.
        client.get(&oid(NAME)).await.expect("an answer");
        assert_eq!(not_in_window(&agent), 1, "counters begin anew with each start");
    }
}
