//! What a request costs, and how long it takes, on the wire: `cargo bench --bench wire`, or `benches/run`.
//!
//! Two questions, each with its own table:
//!
//! - [`table`]: how much CPU time an agent needs for a request while 16 are outstanding, beside the floor, which is the
//!   least that any agent on UDP could need ([`floor`]), and beside Net-SNMP's agent where that is installed.
//! - [`latency`]: how long a GET takes at 5,000 a second while the agent is busy with something else.
//!
//! [`agents`] starts the processes, [`load`] asks them, [`packets`] and [`v3`] write and read the messages. Whatever is
//! started listens on loopback, keeps its files in a temporary directory, and is ended with this program.

mod agents;
mod crowd;
mod floor;
mod latency;
mod load;
mod packets;
mod table;
mod v3;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

const HELP: &str = "\
Measures agents on the wire: vitalsd as built now, Net-SNMP's snmpd where it is installed, and the floor.

usage: cargo bench --bench wire -- [table | latency] [options]

  table (the default)    CPU microseconds a request, by case; takes about a minute and a half
      The agent's CPU time (user and system, of its process alone) over the answers it gave, with --window requests
      outstanding. Other load on the machine hardly moves it, unlike requests a second. `x floor` is its ratio to
      the floor: a process that receives in batches, turns the tag of each PDU from GetRequest into Response, and
      sends. The floor answers a GET of one varbind, whatever the row. `bar` is the most that the ratio should be.
      Each round measures floor, snmpd and vitalsd one after the other; a figure is the median of the rounds, a
      ratio the median of the rounds' ratios. `vb/req` says how many variable bindings an answer had: agents may
      send fewer than a GETBULK asked for, and one that sends fewer has less to do. `lost/bad` counts requests
      without an answer, and answers that don't hold what was asked for.

  latency                GET at 5,000 a second, by what else goes on; takes about two minutes
      Latency counts from when a request was due, so that a stall is charged for all that it delayed; `sent p99`
      counts from when it was sent. `late` is how late the generator itself sent: where that is large, the machine
      had no processor for it, and only `sent p99` is the agent's. The generator goes before others where it may
      (root), as though it ran on a machine of its own.
      quiet        nothing else
      collecting   everything is collected each second
      walk         another manager walks everything with GETBULK, without pause
      hang         a collector hangs: the agent's root is a directory where /proc/meminfo is a pipe nobody writes to
      crowd        (root only) 1,000 interfaces and 5,000 processes in namespaces of their own, walked without pause and
                   collected every 10 s, then each second

options
  --rounds N             rounds of the table (5)
  --seconds S            how long each measurement takes (table 1, latency 5; a hang 12 at least)
  --window N             outstanding requests of the table (16)
  --rate N               requests a second of the latency (5000)
  --only WORD            only cases or scenarios whose name contains this
  --vitalsd FILE         another vitalsd than the one that is built; also the environment's VITALSD
  --snmpd FILE           another snmpd than the one in PATH; also the environment's SNMPD
  --json                 a line of JSON a row instead of a table
  --help                 this text

The exit code is 1 where a bar is passed or an answer was bad, so that a script may tell.
";

/// What the command line asks for.
#[derive(Debug, Clone)]
pub struct Options {
    command: Option<String>,
    rounds: usize,
    seconds: Option<f64>,
    window: usize,
    rate: u32,
    only: Option<String>,
    vitalsd: PathBuf,
    snmpd: Option<PathBuf>,
    json: bool,
}

impl Options {
    /// The arguments, after the program's name. `None` where only the help is wanted.
    fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Option<Options>, String> {
        let file = |name| std::env::var_os(name).map(PathBuf::from);
        let mut options = Options {
            command: None,
            rounds: 5,
            seconds: None,
            window: 16,
            rate: 5_000,
            only: None,
            vitalsd: file("VITALSD").unwrap_or_else(|| env!("CARGO_BIN_EXE_vitalsd").into()),
            snmpd: file("SNMPD"),
            json: false,
        };
        while let Some(argument) = arguments.next() {
            let mut value = || arguments.next().ok_or_else(|| format!("{argument} needs a value"));
            match argument.as_str() {
                "--help" | "-h" => return Ok(None),
                // Cargo says that this is a benchmark.
                "--bench" => {}
                "--json" => options.json = true,
                "--rounds" => options.rounds = number(&value()?, 1, 1000)?,
                "--seconds" => options.seconds = Some(number(&value()?, 0.1, 600.0)?),
                // Request-ids tell the slots of the window apart; one batch is received at a time.
                "--window" => options.window = number(&value()?, 1, 1024)?,
                "--rate" => options.rate = number(&value()?, 1, 1_000_000)?,
                "--only" => options.only = Some(value()?),
                "--vitalsd" => options.vitalsd = value()?.into(),
                "--snmpd" => options.snmpd = Some(value()?.into()),
                "table" | "latency" | "--as-floor" | "--as-crowd" if options.command.is_none() => {
                    options.command = Some(argument);
                }
                other => return Err(format!("what is `{other}`? --help lists the options")),
            }
        }
        Ok(Some(options))
    }

    fn wants(&self, name: &str) -> bool {
        self.only.as_ref().is_none_or(|only| name.to_lowercase().contains(&only.to_lowercase()))
    }

    fn duration(&self, default: f64) -> Duration {
        Duration::from_secs_f64(self.seconds.unwrap_or(default))
    }
}

fn number<T: std::str::FromStr + PartialOrd + std::fmt::Display>(text: &str, least: T, most: T) -> Result<T, String> {
    let number = text.parse().ok().filter(|number| *number >= least && *number <= most);
    number.ok_or_else(|| format!("`{text}` is not a number from {least} to {most}"))
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    // `cargo test --all-targets` starts benchmarks too, without saying that they are, and with its own arguments.
    if !arguments.iter().any(|argument| matches!(argument.as_str(), "--bench" | "--help" | "--as-floor" | "--as-crowd"))
    {
        println!("measures nothing by itself: cargo bench --bench wire -- --help");
        return ExitCode::SUCCESS;
    }
    let options = match Options::parse(arguments.into_iter()) {
        Ok(Some(options)) => options,
        Ok(None) => {
            print!("{HELP}");
            return ExitCode::SUCCESS;
        }
        Err(problem) => {
            eprintln!("wire: {problem}");
            return ExitCode::from(2);
        }
    };
    wake_on_time();
    let outcome = match options.command.as_deref() {
        Some("--as-floor") => floor::run().map(|()| true),
        Some("latency") => latency::run(&options),
        Some("--as-crowd") => crowd::run(&options),
        _ => table::run(&options),
    };
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("wire: {error}");
            ExitCode::from(2)
        }
    }
}

/// The kernel may wake a sleeper 50 microseconds late to save power, and more where it is told to: proc(5),
/// timerslack_ns. Threads that are started later do as this one does.
fn wake_on_time() {
    let _ = std::fs::write(Path::new("/proc/self/timerslack_ns"), "1");
}
