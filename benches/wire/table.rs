//! The table: CPU time a request, by case and agent, each beside the floor of the same moment.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use serde_json::json;

use super::Options;
use super::agents::{Agent, Settings, UP_TIME, ask};
use super::load::{Load, closed, percentile};
use super::packets::{Community, Messages, Question, oid};
use super::v3::Private;

/// A row of the table: its name, the most that its ratio to the floor should be, and what it asks.
struct Case {
    name: &'static str,
    bar: f64,
    private: bool,
    question: fn(&Agent) -> Question,
}

const CASES: &[Case] = &[
    Case { name: "GET 1", bar: 1.6, private: false, question: |_| Question::get(&[UP_TIME]) },
    Case { name: "GET 10", bar: 2.0, private: false, question: |_| Question::get(TEN) },
    Case { name: "GETNEXT", bar: 1.8, private: false, question: |agent| Question::get_next(table_of(agent.address)) },
    Case {
        name: "GETBULK 50",
        bar: 3.0,
        private: false,
        question: |agent| Question::get_bulk(table_of(agent.address), 50),
    },
    Case { name: "v3 authPriv GET", bar: 2.5, private: true, question: |_| Question::get(&[UP_TIME]) },
];

/// Ten scalars that every agent has: of the system group, and of the snmp group.
const TEN: &[&[u32]] = &[
    &[1, 3, 6, 1, 2, 1, 1, 1, 0],
    &[1, 3, 6, 1, 2, 1, 1, 2, 0],
    UP_TIME,
    &[1, 3, 6, 1, 2, 1, 1, 4, 0],
    &[1, 3, 6, 1, 2, 1, 1, 5, 0],
    &[1, 3, 6, 1, 2, 1, 1, 6, 0],
    &[1, 3, 6, 1, 2, 1, 1, 8, 0],
    &[1, 3, 6, 1, 2, 1, 11, 1, 0],
    &[1, 3, 6, 1, 2, 1, 11, 3, 0],
    &[1, 3, 6, 1, 2, 1, 11, 6, 0],
];

/// Tables to walk, the first that the agent has: ifTable, vitalsProcTable, vitalsIfTable.
const TABLES: &[&[u32]] =
    &[&[1, 3, 6, 1, 2, 1, 2, 2], &[1, 3, 6, 1, 4, 1, 32473, 1, 1, 26], &[1, 3, 6, 1, 4, 1, 32473, 1, 1, 24]];

fn table_of(agent: SocketAddr) -> Vec<u8> {
    let names = TABLES.iter().map(|table| oid(table));
    let has = |name: &Vec<u8>| ask(agent, &Question::get_next(name.clone())).is_some_and(|next| next.starts_with(name));
    let first = oid(&[1, 3]);
    names.into_iter().find(has).unwrap_or(first)
}

/// One measurement.
struct Measured {
    load: Load,
    cpu_microseconds: f64,
    resident_megabytes: f64,
}

/// All measurements of one agent in one case.
struct Row {
    case: &'static str,
    agent: &'static str,
    bar: Option<f64>,
    measured: Vec<Measured>,
    ratios: Vec<f64>,
}

/// Measures and prints; whether every bar holds and every answer was good.
pub fn run(options: &Options) -> io::Result<bool> {
    let floor = Agent::floor()?;
    let snmpd = Agent::snmpd(options.snmpd.as_deref())?;
    let vitalsd = Agent::vitalsd(&options.vitalsd, &Settings { interval: "10s", root: None })?;
    let agents: Vec<&Agent> = snmpd.iter().chain([&vitalsd]).collect();
    if !options.json {
        println!(
            "{:<16} {:<8} {:>7} {:>8} {:>8} {:>9} {:>7} {:>8} {:>8} {:>9} {:>7}",
            "case", "agent", "cpu us", "x floor", "bar", "req/s", "vb/req", "p50 us", "p99 us", "lost/bad", "rss MB"
        );
        if snmpd.is_none() {
            println!("Net-SNMP's snmpd is not installed: its rows are left out");
        }
    }
    let mut good = true;
    for case in CASES.iter().filter(|case| options.wants(case.name)) {
        for row in measure(case, &floor, &agents, options)? {
            good &= row.print(options.json);
        }
    }
    Ok(good)
}

fn measure(case: &Case, floor: &Agent, agents: &[&Agent], options: &Options) -> io::Result<Vec<Row>> {
    let row = |agent: &Agent, bar| Row { case: case.name, agent: agent.name, bar, measured: vec![], ratios: vec![] };
    let mut rows = vec![row(floor, None)];
    rows.extend(agents.iter().map(|agent| row(agent, (agent.name == "vitalsd").then_some(case.bar))));
    let (seconds, window) = (options.duration(1.0), options.window);
    let plain = Question::get(&[UP_TIME]);
    for _ in 0..options.rounds {
        let base = once(floor, &plain, false, window, seconds)?;
        let Some(base) = base else { return Err(io::Error::other("the floor doesn't answer")) };
        let base_microseconds = base.cpu_microseconds;
        rows[0].ratios.push(1.0);
        rows[0].measured.push(base);
        for (agent, row) in agents.iter().zip(&mut rows[1..]) {
            let question = (case.question)(agent);
            if let Some(measured) = once(agent, &question, case.private, window, seconds)? {
                row.ratios.push(measured.cpu_microseconds / base_microseconds);
                row.measured.push(measured);
            }
        }
    }
    Ok(rows)
}

/// One measurement; `None` where the agent doesn't speak the case's version.
fn once(
    agent: &Agent,
    question: &Question,
    private: bool,
    window: usize,
    duration: Duration,
) -> io::Result<Option<Measured>> {
    let mut messages: Box<dyn Messages> = if private {
        match Private::discover(agent.address, question)? {
            Some(messages) => Box::new(messages),
            None => return Ok(None),
        }
    } else {
        Box::new(Community::new(question))
    };
    let before = agent.cpu_seconds()?;
    let load = closed(agent.address, &mut *messages, question, window, duration)?;
    let used = agent.cpu_seconds()? - before;
    let cpu_microseconds = used * 1e6 / float(load.answers.max(1));
    Ok(Some(Measured { load, cpu_microseconds, resident_megabytes: agent.resident_megabytes() }))
}

impl Row {
    fn print(&self, json: bool) -> bool {
        let median = |read: &dyn Fn(&Measured) -> f64| median(self.measured.iter().map(read).collect());
        let count = |read: fn(&Load) -> u64| self.measured.iter().map(|measured| read(&measured.load)).sum::<u64>();
        let (lost, bad) = (count(|load| load.lost), count(|load| load.bad));
        let cpu = median(&|measured| measured.cpu_microseconds);
        let ratio = self::median(self.ratios.clone());
        let rate = median(&|measured| float(measured.load.answers) / measured.load.seconds);
        let varbinds = median(&|measured| float(measured.load.varbinds) / float(measured.load.answers.max(1)));
        let (p50, p99) =
            (median(&|measured| microseconds(measured, 500)), median(&|measured| microseconds(measured, 990)));
        let resident = self.measured.last().map_or(0.0, |measured| measured.resident_megabytes);
        let answered = rate > 0.0;
        let holds = self.bar.is_none_or(|bar| ratio <= bar);
        if json {
            let line = json!({
                "case": self.case, "agent": self.agent, "answered": answered, "cpu_microseconds": cpu, "floor_ratio": ratio,
                "bar": self.bar, "requests_per_second": rate, "varbinds_per_request": varbinds, "p50_microseconds": p50,
                "p99_microseconds": p99, "lost": lost, "bad": bad, "resident_megabytes": resident,
            });
            println!("{line}");
        } else if !answered {
            println!("{:<16} {:<8} {:>7}   no good answer; bad {bad}", self.case, self.agent, "-");
        } else {
            let verdict = self.bar.map_or(String::new(), |bar| format!("{bar} {}", if holds { "ok" } else { "over" }));
            println!(
                "{:<16} {:<8} {cpu:>7.2} {ratio:>8.2} {verdict:>8} {rate:>9.0} {varbinds:>7.1} {p50:>8.1} {p99:>8.1} {:>9} {resident:>7.1}",
                self.case,
                self.agent,
                format!("{lost}/{bad}"),
            );
        }
        bad == 0 && (holds || !answered)
    }
}

fn microseconds(measured: &Measured, per_thousand: usize) -> f64 {
    float(percentile(&measured.load.latencies, per_thousand)) / 1e3
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(0.0)
}

/// Counts of this program are far below 2^53.
#[allow(clippy::cast_precision_loss)]
pub fn float(number: u64) -> f64 {
    number as f64
}
