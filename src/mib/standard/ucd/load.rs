//! laTable: the load averages, as text, in hundredths and as an Opaque float.

use super::super::Facts;
use crate::mib::Value;
use crate::mib::conventions::{integer, integer64, whole};
use crate::mib::index::Index;
use crate::mib::table::{Column, Rows, Table};

/// laTable.
pub static LOAD: Table<Loads> = Table {
    entry: &[1, 3, 6, 1, 4, 1, 2021, 10, 1],
    sections: &["cpu"],
    rows: |facts| {
        let load = facts.section(|snapshot| snapshot.cpu.get()).and_then(|cpu| cpu.load);
        let rows = load.into_iter().flat_map(|loads| (1..).zip([1, 5, 15]).zip(loads));
        rows.map(|((index, minutes), load)| Load { index, minutes, load }).collect()
    },
    index: |load| Index::new().number(load.index),
    columns: &[
        Column { number: 1, name: "laIndex", value: |load| Some(integer(load.index)) },
        Column { number: 2, name: "laNames", value: |load| Some(Value::text(&format!("Load-{}", load.minutes))) },
        Column { number: 3, name: "laLoad", value: |load| Some(Value::text(&format!("{:.2}", load.load))) },
        // No limit, in Net-SNMP's words.
        Column { number: 4, name: "laConfig", value: |_| Some(Value::text("0.00")) },
        Column { number: 5, name: "laLoadInt", value: |load| Some(integer64(whole(load.load, 2))) },
        Column { number: 6, name: "laLoadFloat", value: |load| Some(float(load.load)) },
        Column { number: 100, name: "laErrorFlag", value: |_| Some(Value::Integer(0)) },
        Column { number: 101, name: "laErrMessage", value: |_| Some(Value::text("")) },
    ],
};

/// The rows of laTable.
pub struct Loads;

/// One load average.
pub struct Load {
    index: u32,
    minutes: u32,
    load: f64,
}

impl Rows for Loads {
    type Source = Facts;
    type Row<'a> = Load;
}

/// The text's own Float: an Opaque that holds the tag 0x9f 0x78, the length, and an IEEE 754 single.
#[allow(clippy::cast_possible_truncation, reason = "a single is what the type holds")]
fn float(number: f64) -> Value {
    let [first, second, third, fourth] = (number as f32).to_be_bytes();
    Value::Opaque(vec![0x9f, 0x78, 4, first, second, third, fourth])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_float_is_an_opaque_of_seven_octets() {
        assert_eq!(float(0.52), Value::Opaque(vec![0x9f, 0x78, 4, 0x3f, 0x05, 0x1e, 0xb8]));
    }
}
