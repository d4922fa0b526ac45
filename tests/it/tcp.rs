//! SNMP over TCP as net-snmp's tools and as hostile peers see it, and ports that somebody else has.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::agent::{Agent, directory, run, stderr, stdout, still, vitalsd, wait_for};

const V2C: &[&str] = &["-v2c", "-c", "public", "-On", "-t", "5", "-r", "0"];
const NAME: &str = "1.3.6.1.2.1.1.5.0";

/// A GET of sysName.0 by SNMPv2c, community `public`, and this request-id.
fn get(id: u8) -> Vec<u8> {
    let mut message = vec![0x30, 0x26, 0x02, 0x01, 0x01, 0x04, 0x06];
    message.extend(b"public");
    message.extend([0xa0, 0x19, 0x02, 0x01, id, 0x02, 0x01, 0x00, 0x02, 0x01, 0x00, 0x30, 0x0e, 0x30, 0x0c]);
    message.extend([0x06, 0x08, 0x2b, 0x06, 0x01, 0x02, 0x01, 0x01, 0x05, 0x00, 0x05, 0x00]);
    message
}

/// An agent that listens on TCP too; the ports are the same as over UDP.
pub fn agent(more: &str) -> Agent {
    let agent = Agent::on_fixture(more);
    listen(&agent, &format!(r#"["udp:127.0.0.1:{0}", "tcp:127.0.0.1:{0}", "tcp:[::1]:{0}"]"#, agent.port));
    wait_for("the new listeners", || TcpStream::connect(("::1", agent.port)).ok());
    agent
}

/// Has the agent listen elsewhere.
fn listen(agent: &Agent, places: &str) {
    let text = fs::read_to_string(agent.config()).expect("a file");
    let text: Vec<String> = text
        .lines()
        .map(
            |line| if line.trim_start().starts_with("listen = [") { format!("listen = {places}") } else { line.into() },
        )
        .collect();
    fs::write(agent.config(), text.join("\n")).expect("a file");
    agent.signal("HUP");
}

fn connect(agent: &Agent) -> TcpStream {
    let stream = TcpStream::connect(("127.0.0.1", agent.port)).expect("a listener");
    stream.set_read_timeout(Some(Duration::from_secs(10))).expect("a limit");
    stream
}

/// The request-id of the next answer; nothing when the agent closed the connection.
fn answer(stream: &mut TcpStream) -> Option<u8> {
    let mut head = [0; 2];
    stream.read_exact(&mut head).ok()?;
    assert!(head[0] == 0x30 && head[1] < 0x80, "a short message: {head:x?}");
    let mut rest = vec![0; head[1].into()];
    stream.read_exact(&mut rest).expect("the rest");
    assert!(rest.ends_with(b"sensor-07"), "{rest:x?}");
    // version, community, the PDU's head, the tag and length of its first integer
    Some(rest[3 + 8 + 2 + 2])
}

/// The memory that an agent occupies.
pub fn resident_kilobytes(agent: &Agent) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", agent.pid())).expect("it runs");
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("a line");
    line.split_ascii_whitespace().nth(1).and_then(|number| number.parse().ok()).expect("a number")
}

#[test]
fn net_snmps_tools_are_answered_over_tcp() {
    let agent = agent(&still());
    for place in [format!("tcp:127.0.0.1:{}", agent.port), format!("tcp6:[::1]:{}", agent.port)] {
        let ask = |tool: &str, oid: &str| {
            let output = run(Command::new(tool).env("MIBS", "").args(V2C).arg(&place).arg(oid));
            assert!(output.status.success(), "{tool} {place}: {}", stderr(&output));
            stdout(&output)
        };
        assert!(ask("snmpget", NAME).contains("sensor-07"));
        let names = |text: String| -> Vec<String> {
            text.lines().filter_map(|line| line.split_once(" = ")).map(|(name, _)| name.to_string()).collect()
        };
        let walked = names(ask("snmpwalk", ".1"));
        assert!(walked.len() > 300, "{}", walked.len());
        assert_eq!(walked, names(ask("snmpbulkwalk", ".1")));
        assert_eq!(walked, names(agent.snmp("snmpwalk", &["-v2c", "-c", "public"], &[".1"])), "as over UDP");
    }
}

#[test]
fn messages_are_answered_however_they_are_split() {
    let agent = agent("");
    let mut stream = connect(&agent);
    stream.write_all(&[get(1), get(2), get(3)].concat()).expect("sent");
    assert_eq!([1, 2, 3].map(|_| answer(&mut stream)), [1, 2, 3].map(Some));
    stream.set_nodelay(true).expect("an option");
    for octet in get(4) {
        stream.write_all(&[octet]).expect("sent");
    }
    assert_eq!(answer(&mut stream), Some(4));
    // An unknown community is answered by silence; the connection goes on.
    let mut unknown = get(5);
    unknown[7..13].copy_from_slice(b"secret");
    stream.write_all(&[unknown, get(6)].concat()).expect("sent");
    assert_eq!(answer(&mut stream), Some(6));
}

#[test]
fn abuse_closes_its_own_connection_and_costs_nothing() {
    let agent = agent("");
    let mut good = connect(&agent);
    let round = |rounds: u32| {
        for _ in 0..rounds {
            for octets in
                [&b"GET / HTTP/1.1\r\n\r\n"[..], &[0x30, 0x84, 0x01, 0, 0, 0], &[0x30, 0x80, 0, 0], &[0xff; 4096]]
            {
                let mut stream = connect(&agent);
                // It may be closed while this is on its way.
                let _ = stream.write_all(octets);
                assert_eq!(answer(&mut stream), None, "{octets:x?}");
            }
            // Gone in the middle of a message that was announced to be long.
            connect(&agent).write_all(&[0x30, 0x82, 0xf0, 0x00, 0x02]).expect("sent");
        }
    };
    round(20);
    let before = resident_kilobytes(&agent);
    round(300);
    let after = resident_kilobytes(&agent);
    assert!(after < before + 2_048, "{before} kB, then {after} kB");
    good.write_all(&get(9)).expect("sent");
    assert_eq!(answer(&mut good), Some(9));
    let page = agent.page("/metrics");
    let broken = page.lines().find_map(|line| line.strip_prefix("vitals_snmp_tcp_broken_total ")).expect("a counter");
    assert_eq!(broken, "1600");
}

#[test]
fn a_source_has_so_many_connections_and_none_delays_another() {
    let agent = agent("");
    let mut deaf = connect(&agent);
    deaf.set_write_timeout(Some(Duration::from_millis(500))).expect("a limit");
    // It asks and never reads, until nothing more can be sent.
    let questions: Vec<u8> = (0..1_000).flat_map(|_| get(1)).collect();
    while deaf.write_all(&questions).is_ok() {}
    // Half a message each: 14 and the deaf one leave one place of the 16.
    let half: Vec<TcpStream> = (0..14)
        .map(|_| {
            let mut stream = connect(&agent);
            stream.write_all(&get(1)[..20]).expect("sent");
            stream
        })
        .collect();
    let mut last = connect(&agent);
    last.write_all(&get(7)).expect("sent");
    assert_eq!(answer(&mut last), Some(7));
    assert_eq!(answer(&mut connect(&agent)), None, "one too many");
    assert!(agent.snmp("snmpget", &["-v2c", "-c", "public"], &[NAME]).contains("sensor-07"));
    drop(half);
    wait_for("a free place", || {
        let mut stream = connect(&agent);
        let _ = stream.write_all(&get(8));
        answer(&mut stream).filter(|id| *id == 8)
    });
}

#[test]
fn a_reload_closes_what_is_gone_and_leaves_the_rest() {
    let agent = agent("");
    let mut stays = connect(&agent);
    let mut goes = TcpStream::connect(("::1", agent.port)).expect("a listener");
    goes.set_read_timeout(Some(Duration::from_secs(10))).expect("a limit");
    goes.write_all(&get(1)).expect("sent");
    assert_eq!(answer(&mut goes), Some(1));
    listen(&agent, &format!(r#"["tcp:127.0.0.1:{}"]"#, agent.port));
    assert_eq!(answer(&mut goes), None);
    assert!(TcpStream::connect(("::1", agent.port)).is_err());
    stays.write_all(&get(2)).expect("sent");
    assert_eq!(answer(&mut stays), Some(2));
}

#[test]
fn sources_outside_the_allow_list_are_closed_at_once() {
    let agent = agent("");
    let mut open = connect(&agent);
    open.write_all(&get(1)).expect("sent");
    assert_eq!(answer(&mut open), Some(1));
    let text = fs::read_to_string(agent.config()).expect("a file");
    fs::write(agent.config(), text.replace(r#"allow = ["127.0.0.0/8", "::1/128"]"#, r#"allow = ["::1/128"]"#))
        .expect("a file");
    agent.signal("HUP");
    wait_for("the new list", || {
        let mut stream = connect(&agent);
        let _ = stream.write_all(&get(1));
        answer(&mut stream).is_none().then_some(())
    });
    // One that was open already ends with its next message.
    open.write_all(&get(2)).expect("sent");
    assert_eq!(answer(&mut open), None);
    let mut allowed = TcpStream::connect(("::1", agent.port)).expect("a listener");
    allowed.write_all(&get(1)).expect("sent");
    assert_eq!(answer(&mut allowed), Some(1));
}

/// Another program that holds a port; it is ended with the value.
struct Holder {
    child: Child,
    port: u16,
}

impl Holder {
    /// Holds a port that the system chooses: one that was only free a moment ago may be another test's by now.
    fn start(kind: &str) -> Holder {
        let script = format!(
            "import socket, sys, time\ns = socket.socket(socket.AF_INET, socket.SOCK_{kind})\ns.bind(('127.0.0.1', 0))\n\
             if '{kind}' == 'STREAM': s.listen()\nprint(s.getsockname()[1], flush=True)\ntime.sleep(60)"
        );
        let mut child =
            Command::new("python3").args(["-c", &script]).stdout(Stdio::piped()).spawn().expect("python3: tests/setup");
        let mut port = String::new();
        BufReader::new(child.stdout.as_mut().expect("a pipe")).read_line(&mut port).expect("it is ready");
        Holder { child, port: port.trim().parse().expect("a port") }
    }

    /// How the agent is to name it.
    fn named(&self) -> String {
        let name = fs::read_to_string(format!("/proc/{}/comm", self.child.id())).expect("it runs");
        format!("in use by {} (process {})", name.trim(), self.child.id())
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_port_in_use_names_the_process_that_holds_it() {
    for (kind, key, transport) in [
        ("DGRAM", "snmp.listen", "[snmp]\nlisten = [\"udp:127.0.0.1:PORT\"]"),
        // One of all addresses stands in the way as well.
        ("DGRAM", "snmp.listen", "[snmp]\nlisten = [\"udp:0.0.0.0:PORT\"]"),
        ("STREAM", "snmp.listen", "[snmp]\nlisten = [\"tcp:127.0.0.1:PORT\"]"),
        ("STREAM", "http.listen", "[snmp]\nlisten = []\n[http]\nlisten = \"127.0.0.1:PORT\""),
    ] {
        let holder = Holder::start(kind);
        let transport = transport.replace("PORT", &holder.port.to_string());
        let directory = directory();
        let file = directory.path().join("vitalsd.toml");
        fs::write(&file, format!("[agent]\nstate_dir = \"{}/state\"\n{transport}\n", directory.path().display()))
            .expect("a file");
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).expect("permissions");
        let output = run(vitalsd().arg("run").arg("--config").arg(&file));
        let text = stderr(&output);
        assert!(
            !output.status.success() && text.contains(&holder.named()) && text.contains(key),
            "{transport}: {text}"
        );
    }
    // At a reload, the old configuration stays in force.
    let agent = Agent::on_fixture("");
    let holder = Holder::start("DGRAM");
    let port = holder.port;
    listen(&agent, &format!(r#"["udp:127.0.0.1:{port}"]"#));
    wait_for("the refusal", || agent.log().contains(&holder.named()).then_some(()));
    assert!(agent.snmp("snmpget", &["-v2c", "-c", "public"], &[NAME]).contains("sensor-07"));
    // The agent's own listener on one address stands in the way of one on all.
    listen(&agent, &format!(r#"["udp:0.0.0.0:{}"]"#, agent.port));
    wait_for("the refusal", || agent.log().contains("in use by another listener of this agent").then_some(()));
}
