//! What goes over the wire, as data: each row is what is sent to a live agent through a plain socket, what must come
//! back, and what Net-SNMP 5.9.3 does where that differs. `tests/wire.md` is the table of all rows, made by this test.
//!
//! Silence is proven by a good request behind the odd one, from the same socket: the agent answers in order. That every
//! counter is raised once and no other is seen on Prometheus' page. rasn judges the answers.

mod abuse;
mod encodings;
mod expectations;
mod reads;
mod secure;
mod writes;

use std::fmt::Write as _;
use std::fs;

use crate::agent::{stdout, tests, wait_for};
use crate::judge::{self, Answer, object_name, status_name, type_name};
use crate::message::{BULK, GET, ID, PASSWORD, Secure, asking, message, pdu};
use crate::world::{CONTACT, LOCATION, NAME, Sent, UP_TIME, World, sent};

/// A row of the table.
pub struct Row {
    id: &'static str,
    /// In words.
    sent: &'static str,
    proof: Proof,
    /// What Net-SNMP 5.9.3 does, where that differs.
    snmpd: &'static str,
}

/// How a row is proven.
pub enum Proof {
    /// These are sent, and this comes back.
    Sent(Vec<Sent>, String),
    /// Another test has it.
    Test(&'static str),
    /// There is nothing to test, for a reason.
    NotApplicable(&'static str),
}

/// A row in which all messages come to the same, or to one after the other, parted by `; then `.
pub fn row(id: &'static str, text: &'static str, messages: Vec<Sent>, wanted: &str) -> Row {
    Row { id, sent: text, proof: Proof::Sent(messages, wanted.to_string()), snmpd: "" }
}

/// A row that this file doesn't prove.
pub fn other(id: &'static str, text: &'static str, proof: Proof) -> Row {
    Row { id, sent: text, proof, snmpd: "" }
}

impl Row {
    /// What Net-SNMP 5.9.3 does.
    fn snmpd(self, snmpd: &'static str) -> Row {
        Row { snmpd, ..self }
    }
}

/// The rows, by what they are about.
#[allow(clippy::type_complexity, reason = "a title and its rows")]
const GROUPS: &[(&str, fn(&World) -> Vec<Row>)] = &[
    ("Reads", reads::reads),
    ("GETBULK", reads::bulk),
    ("Answers that do not fit, and SNMPv1", reads::sizes),
    ("Writes", writes::writes),
    ("Encodings", encodings::encodings),
    ("SNMPv3", secure::secure),
    ("TCP", abuse::streams),
    ("Abuse that other agents taught", abuse::abuse),
    ("Proxies, providers and contexts", expectations::proxies),
    ("Notifications", expectations::notifications),
    ("What pollers expect", expectations::pollers),
];

/// Counters that good requests raise, the one behind each odd message as well.
const USUAL: &[&str] = &[
    // Notifications of failed authentications: at most one a minute, the rest counted.
    "authen_traps_left_out",
    "in_packets",
    "out_packets",
    "in_read_variables",
    "in_set_variables",
    "in_get_requests",
    "in_get_next_requests",
    "in_get_bulk_requests",
    "in_set_requests",
    "out_responses",
    "tcp_connections",
    "out_reports",
];

impl World {
    /// Sends a message and tells what came of it, counters too.
    fn tell(&mut self, sent: &Sent) -> String {
        let answers = self.exchange(sent);
        let mut told: Vec<String> = answers.iter().map(|octets| tell(octets, sent)).collect();
        told.dedup();
        let mut told = match (answers.len(), told.len()) {
            (0, _) => "silence".to_string(),
            (many, 1) if many > 1 => format!("{many} x {}", told[0]),
            _ => told.join(", "),
        };
        let counters = self.read_counters();
        for (name, value) in &counters {
            let raised = value - self.counters.get(name).copied().unwrap_or(0);
            if raised > 0 && !USUAL.contains(&name.as_str()) {
                let times = if raised > 1 { format!(" x {raised}") } else { String::new() };
                write!(told, "; `{name}`{times}").expect("a String takes all");
            }
        }
        self.counters = counters;
        told
    }
}

/// An answer in words.
fn tell(octets: &[u8], sent: &Sent) -> String {
    if octets.is_empty() {
        return "closed".into();
    }
    assert!(octets.len() <= sent.size, "{} octets", octets.len());
    let answer = judge::read(octets, sent.keys.as_deref());
    let level = answer.secure.as_ref().map_or("", |secure| match secure.flags {
        0 => "noAuthNoPriv ",
        1 => "authNoPriv ",
        3 => "authPriv ",
        other => panic!("flags {other}"),
    });
    let id = match answer.id {
        id if id == sent.id => "",
        0 => ", request-id 0",
        other => panic!("request-id {other}"),
    };
    if answer.is_report {
        let [(name, value)] = &answer.binds[..] else { panic!("one variable: {answer:?}") };
        assert_eq!(type_name(value), "Counter32");
        // Spoofed messages must gain nothing: a Report has the engine ID, a code and a counter more than what it is about.
        assert!(octets.len() <= sent.octets.len() + 80, "{} octets for {}", octets.len(), sent.octets.len());
        return format!("{level}Report {}{id}", object_name(name).trim_end_matches(".0"));
    }
    assert_eq!(id, "", "a Response has its request's request-id");
    let mut told = format!("{level}Response {}", status_name(answer.status));
    if answer.status != 0 {
        write!(told, "@{}", answer.index).expect("a String takes all");
    }
    if !sent.whole {
        return told;
    }
    write!(told, ": {}", tell_binds(&answer, octets.len(), sent.bound)).expect("a String takes all");
    told
}

fn tell_binds(answer: &Answer, octets: usize, bound: Option<usize>) -> String {
    let binds = &answer.binds;
    let types: Vec<&str> = binds.iter().map(|(_, value)| type_name(value)).collect();
    let alike = types.windows(2).all(|pair| pair[0] == pair[1]);
    if let Some(bound) = bound {
        assert!(octets <= bound, "{octets} octets, {bound} are the most");
        assert!(!binds.is_empty(), "some variables");
        let last = if alike && binds.len() > 1 { format!("each {}", types[0]) } else { String::new() };
        let last =
            if last.is_empty() && types.last() == Some(&"endOfMibView") { "to endOfMibView".to_string() } else { last };
        return format!("variables in at most {bound} octets {last}").trim_end().to_string();
    }
    match binds.len() {
        0 => "no variables".into(),
        many @ 7.. => format!("{many} variables{}", if alike { format!(", each {}", types[0]) } else { String::new() }),
        _ => {
            let pairs = binds.iter().zip(&types).map(|((name, _), kind)| format!("{} {kind}", object_name(name)));
            pairs.collect::<Vec<_>>().join(", ")
        }
    }
}

#[test]
fn what_is_sent_and_what_comes_back() {
    let mut world = World::start();
    let mut table = String::from(
        "# What goes over the wire\n\nEach row is sent to a live agent by `tests/it/wire.rs`, which writes this table; \
         rasn reads the answers. Behind a semicolon stand the counters that were raised, as they are named in \
         `vitals_snmp_*_total`. The fourth column says what Net-SNMP 5.9.3 does where that differs.\n",
    );
    let mut wrong = Vec::new();
    let mut named = Vec::new();
    for (title, rows) in GROUPS {
        write!(
            table,
            "\n## {title}\n\n| row | sent | what comes back | Net-SNMP 5.9.3 | verdict |\n|---|---|---|---|---|\n"
        )
        .expect("a String takes all");
        for Row { id, sent, proof, snmpd } in rows(&world) {
            let (back, verdict) = match proof {
                Proof::Test(test) => {
                    named.push(test);
                    (format!("see the test `{test}`"), "as that test".to_string())
                }
                Proof::NotApplicable(reason) => (String::new(), format!("not applicable: {reason}")),
                Proof::Sent(messages, wanted) => {
                    let mut told: Vec<String> = messages.iter().map(|sent| world.tell(sent)).collect();
                    told.dedup();
                    let told = match &told[..] {
                        [same] if messages.len() > 1 => format!("each: {same}"),
                        all => all.join("; then "),
                    };
                    if told != wanted {
                        wrong.push(format!("{id} {sent}\n  wanted: {wanted}\n  found:  {told}"));
                    }
                    (told, "as wanted".to_string())
                }
            };
            writeln!(table, "| {id} | {sent} | {back} | {snmpd} | {verdict} |").expect("a String takes all");
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    expect_test::expect_file!["../wire.md"].assert_eq(&table);
    secrets_stay_secret(&world);
    they_exist(&named);
}

/// X34: after all that was asked and refused, no password and no community stands where it can be read.
fn secrets_stay_secret(world: &World) {
    let status = crate::agent::run(crate::agent::vitalsd().args(["status", "--config"]).arg(world.agent.config()));
    for text in [world.agent.log(), world.agent.page("/metrics"), stdout(&status)] {
        for secret in [PASSWORD, "private", "system-only"] {
            assert!(!text.contains(secret), "{secret}: {text}");
        }
    }
    let command = fs::read(format!("/proc/{}/cmdline", world.agent.pid())).expect("it runs");
    assert!(!String::from_utf8_lossy(&command).contains(PASSWORD));
}

/// Every row that another test proves names one that exists.
fn they_exist(named: &[&str]) {
    let mut sources = String::new();
    let mut open = vec![tests().join("it"), tests().join("../src")];
    while let Some(directory) = open.pop() {
        for entry in fs::read_dir(directory).expect("a directory") {
            let path = entry.expect("an entry").path();
            match path.is_dir() {
                true => open.push(path),
                false => sources.push_str(&fs::read_to_string(path).expect("text")),
            }
        }
    }
    for test in named {
        let name = test.rsplit("::").next().unwrap_or_default();
        assert!(sources.contains(&format!("fn {name}(")), "{test}");
    }
}

/// X27, X29: Reports have a rate, whoever asks for them, and nothing that a peer sends is remembered.
#[test]
fn reports_are_limited() {
    let world = World::start();
    let mut reports = 0;
    let mut octets = 0;
    for number in 0..600 {
        let discovery = Secure { message_id: number, user: format!("user {number}").into(), ..Secure::discovery() };
        for report in world.exchange(&sent(discovery.octets())) {
            reports += 1;
            octets += report.len();
        }
    }
    // A burst of 200, and 50 more a second.
    assert!((200..450).contains(&reports), "{reports} Reports of {octets} octets");
    let page = world.agent.page("/metrics");
    let limited =
        page.lines().find_map(|line| line.strip_prefix("vitals_snmp_rate_limited_total ")).expect("a counter");
    assert!(limited.parse::<u64>().expect("a number") >= 600 - 450, "{limited}");
}

/// X33: what a peer sends stands in the log without what a terminal would obey.
#[test]
fn logs_are_escaped() {
    let world = World::start();
    let odd = "x\u{1b}[2J\nerror: all is lost\r\0";
    let user = Secure { user: odd.into(), ..world.secure("none") };
    world.exchange(&sent(user.octets()));
    world.exchange(&sent(message(1, odd, &asking(GET, 0, 0, &[UP_TIME]))));
    let contact = pdu(crate::message::SET, ID, 0, 0, &[(CONTACT, crate::message::text("a\u{1b}b\"c\\d"))]);
    world.exchange(&sent(message(1, "private", &contact)));
    let log = wait_for("the log", || {
        Some(world.agent.log()).filter(|log| log.contains("unknown") || log.contains("refused"))
    });
    assert!(!log.contains('\u{1b}') && !log.contains('\r') && !log.contains('\0'), "{log:?}");
    assert!(!log.lines().any(|line| line.starts_with("error: all is lost")), "{log}");
    let page = world.agent.page("/metrics");
    assert!(!page.contains('\u{1b}'), "{page}");
}

/// M18, X26: the answer to a GETBULK of many rows and columns fits a datagram, whatever is asked for.
#[test]
fn a_getbulk_of_many_columns_is_cut_cleanly() {
    let world = World::start();
    let columns: Vec<String> = (2..=9).map(|column| format!("1.3.6.1.4.1.32473.1.1.3.1.{column}")).collect();
    let columns: Vec<&str> = columns.iter().map(String::as_str).collect();
    let answers = world.exchange(&sent(message(1, "public", &asking(BULK, 0, 50, &columns))));
    let answer = judge::read(&answers[0], None);
    assert!(answers[0].len() <= 1_472 && answer.status == 0, "{} octets", answers[0].len());
    assert!(answer.binds.len() >= columns.len(), "{}", answer.binds.len());
}
