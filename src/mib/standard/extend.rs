//! NET-SNMP-EXTEND-MIB, of net-snmp: what the commands of `[[extend]]` printed.
//!
//! Some rows are there without any command, since managers look for them: what the machine is. They are made from the
//! facts, and empty where these say nothing. Nothing here can be set: the module would let managers run programs.

use std::borrow::Cow;

use super::Facts;
use crate::collect::Snapshot;
use crate::collect::extend::Extend;
use crate::mib::Value;
use crate::mib::conventions::{ACTIVE, READ_ONLY, integer};
use crate::mib::index::Index;
use crate::mib::table::{Column, Group, Module, Reading, Rows, Scalar, Table};

/// NET-SNMP-EXTEND-MIB.
pub static MODULE: Module<Facts> = Module {
    name: "NET-SNMP-EXTEND-MIB",
    identity: &[1, 3, 6, 1, 4, 1, 8072, 1, 3, 1],
    sentence: "Commands that extend the agent.",
    groups: &[Group {
        oid: &[1, 3, 6, 1, 4, 1, 8072, 1, 3, 2],
        sections: SECTIONS,
        scalars: &[Scalar {
            number: 1,
            name: "nsExtendNumEntries",
            value: Reading::Fixed(|facts| Some(integer(u32::try_from(rows(facts).len()).unwrap_or(u32::MAX)))),
        }],
    }],
    tables: &[&CONFIGURATION, &OUTPUT, &LINES],
};

const SECTIONS: &[&str] = &["extend", "host", "hardware"];

/// A row that needs no command: its name, and what it says.
type BuiltIn = (&'static str, for<'a> fn(&'a Snapshot) -> Option<&'a String>);

const BUILT_IN: &[BuiltIn] = &[
    ("distro", |snapshot| snapshot.host.get()?.os.as_ref()),
    ("hardware", |snapshot| snapshot.hardware.get()?.product.name.as_ref()),
    ("manufacturer", |snapshot| snapshot.hardware.get()?.product.vendor.as_ref()),
    ("serial", |snapshot| snapshot.hardware.get()?.product.serial.as_ref()),
    ("version", |snapshot| snapshot.hardware.get()?.product.version.as_ref()),
];

/// A row of the configuration table.
struct Row<'a> {
    name: Cow<'a, str>,
    /// The command; `None` of what is built in.
    extend: Option<&'a Extend>,
    /// What was printed; `None` before the command first ended.
    output: Option<&'a str>,
    result: Option<i32>,
}

impl Row<'_> {
    /// Without the newline at the end, as net-snmp has it.
    fn text(&self) -> Option<&str> {
        self.output.map(|output| output.strip_suffix('\n').unwrap_or(output))
    }

    /// The lines, as many as the module can number; where nothing was printed an empty one, as net-snmp has it.
    fn lines(&self) -> impl Iterator<Item = &str> {
        self.text().into_iter().flat_map(|text| text.split('\n')).take(MAX_LINES)
    }
}

/// nsExtendLineIndex: 1 to 1024.
const MAX_LINES: usize = 1024;

fn rows(facts: &Facts) -> Vec<Row<'_>> {
    let Some(snapshot) = facts.snapshot.as_deref() else { return Vec::new() };
    let commands = snapshot.extend.get().into_iter().flatten();
    let is_replaced = |name: &str| commands.clone().any(|extend| extend.command.name == name);
    let built_in = BUILT_IN.iter().filter(|(name, _)| !is_replaced(name)).map(|(name, text)| Row {
        name: Cow::Borrowed(*name),
        extend: None,
        output: Some(text(snapshot).map(String::as_str).unwrap_or_default()),
        result: Some(0),
    });
    let written = commands.clone().map(|extend| {
        let result = extend.run.result.as_ref();
        Row {
            name: Cow::Borrowed(&extend.command.name),
            extend: Some(extend),
            output: result.map(|_| extend.run.output.as_str()),
            // What has no exit status is -1, as net-snmp has what it can't run.
            result: result.map(|result| *result.as_ref().unwrap_or(&-1)),
        }
    });
    built_in.chain(written).collect()
}

struct Commands;

impl Rows for Commands {
    type Source = Facts;
    type Row<'a> = Row<'a>;
}

/// nsExtendConfigTable.
static CONFIGURATION: Table<Commands> = Table {
    entry: &[1, 3, 6, 1, 4, 1, 8072, 1, 3, 2, 2, 1],
    sections: SECTIONS,
    rows,
    index: |row| Index::new().octets(row.name.as_bytes()),
    columns: &[
        Column {
            number: 2,
            name: "nsExtendCommand",
            value: |row| {
                Some(Value::text(row.extend.and_then(|extend| extend.command.command.first()).map_or("", |s| s)))
            },
        },
        // Arguments may hold secrets, as any command line: who may read this view reads them.
        Column {
            number: 3,
            name: "nsExtendArgs",
            value: |row| {
                let arguments = row.extend.and_then(|extend| extend.command.command.get(1..)).unwrap_or_default();
                Some(Value::text(&arguments.join(" ")))
            },
        },
        Column { number: 4, name: "nsExtendInput", value: |_| Some(Value::text("")) },
        Column {
            number: 5,
            name: "nsExtendCacheTime",
            value: |row| {
                let seconds = row.extend.map_or(0, |extend| extend.command.interval.0.as_secs());
                Some(integer(u32::try_from(seconds).unwrap_or(u32::MAX)))
            },
        },
        // exec(1): never a shell.
        Column { number: 6, name: "nsExtendExecType", value: |_| Some(Value::Integer(1)) },
        // Deviation: run-on-read(1) is the nearest, though no reading makes a command run.
        Column { number: 7, name: "nsExtendRunType", value: |_| Some(Value::Integer(1)) },
        Column { number: 20, name: "nsExtendStorage", value: |_| Some(READ_ONLY) },
        Column { number: 21, name: "nsExtendStatus", value: |_| Some(ACTIVE) },
    ],
};

/// nsExtendOutput1Table. Deviation: the whole output may be longer than a DisplayString's 255 octets, as net-snmp's is:
/// managers' scripts print whole documents.
static OUTPUT: Table<Commands> = Table {
    entry: &[1, 3, 6, 1, 4, 1, 8072, 1, 3, 2, 3, 1],
    sections: SECTIONS,
    rows,
    index: |row| Index::new().octets(row.name.as_bytes()),
    columns: &[
        Column {
            number: 1,
            name: "nsExtendOutput1Line",
            value: |row| row.output.map(|_| octets(row.lines().next().unwrap_or_default())),
        },
        Column { number: 2, name: "nsExtendOutputFull", value: |row| row.text().map(octets) },
        Column {
            number: 3,
            name: "nsExtendOutNumLines",
            value: |row| row.output.map(|_| integer(u32::try_from(row.lines().count()).unwrap_or(u32::MAX))),
        },
        Column { number: 4, name: "nsExtendResult", value: |row| row.result.map(Value::Integer) },
    ],
};

fn octets(text: &str) -> Value {
    Value::OctetString(text.as_bytes().to_vec())
}

struct OutputLines;

/// A line of output, by its command's name and its number from 1.
struct Line {
    name: String,
    number: u32,
    text: String,
}

impl Rows for OutputLines {
    type Source = Facts;
    type Row<'a> = Line;
}

/// nsExtendOutput2Table.
static LINES: Table<OutputLines> = Table {
    entry: &[1, 3, 6, 1, 4, 1, 8072, 1, 3, 2, 4, 1],
    sections: SECTIONS,
    rows: |facts| {
        let mut lines = Vec::new();
        for row in rows(facts) {
            let numbered = (1..).zip(row.lines());
            lines.extend(numbered.map(|(number, text)| Line {
                name: row.name.to_string(),
                number,
                text: text.to_string(),
            }));
        }
        lines
    },
    index: |line| Index::new().octets(line.name.as_bytes()).number(line.number),
    columns: &[Column { number: 2, name: "nsExtendOutLine", value: |line| Some(octets(&line.text)) }],
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_net_snmps() {
        let row = |output| Row { name: Cow::Borrowed("x"), extend: None, output, result: None };
        let lines = |output| row(Some(output)).lines().map(str::to_string).collect::<Vec<_>>();
        assert_eq!(lines("a\n\nb\n"), ["a", "", "b"]);
        assert_eq!(lines(""), [""]);
        assert_eq!(row(Some("a\n\n")).text(), Some("a\n"));
        assert_eq!(row(None).lines().count(), 0);
        assert_eq!(row(Some(&"x\n".repeat(5000))).lines().count(), MAX_LINES);
    }
}
