//! LM-SENSORS-MIB, of net-snmp: the hardware sensors in one table a quantity.
//!
//! Its indices are those of VITALS-MIB's sensors, below 65,536 as the module has it. Its values can't be negative: a
//! temperature below zero has its row and no value. What is neither temperature, speed nor voltage is in the last table, in
//! thousandths of its unit.

use super::{Facts, Subject};
use crate::collect::hwmon::{Quantity, Sensor};
use crate::metric::Number;
use crate::mib::Value;
use crate::mib::conventions::integer;
use crate::mib::index::Index;
use crate::mib::table::{Column, Module, Rows, Table};

/// The sensors' numbers, by their keys: those of VITALS-MIB.
pub static SENSORS: Subject = Subject {
    name: "hwmon",
    sections: SECTIONS,
    names: |snapshot| {
        let sensors = snapshot.hwmon.get().into_iter().flatten();
        sensors.map(|sensor| (sensor.key.clone(), None)).collect()
    },
};

const SECTIONS: &[&str] = &["hwmon"];

/// LM-SENSORS-MIB.
pub static MODULE: Module<Facts> = Module {
    name: "LM-SENSORS-MIB",
    identity: &[1, 3, 6, 1, 4, 1, 2021, 13, 16, 1],
    sentence: "Hardware sensors, as lm_sensors shows them.",
    groups: &[],
    tables: &[&TEMPERATURES, &FANS, &VOLTAGES, &OTHERS],
};

struct Sensors;

impl Rows for Sensors {
    type Source = Facts;
    type Row<'a> = (u32, &'a Sensor);
}

const fn table(
    entry: &'static [u32],
    rows: for<'a> fn(&'a Facts) -> Vec<(u32, &'a Sensor)>,
    columns: &'static [Column<Sensors>],
) -> Table<Sensors> {
    Table { entry, sections: SECTIONS, rows, index: |(number, _)| Index::new().number(*number), columns }
}

static TEMPERATURES: Table<Sensors> = table(
    &[1, 3, 6, 1, 4, 1, 2021, 13, 16, 2, 1],
    |facts| of(facts, |quantity| quantity == Quantity::Temperature),
    &[
        Column { number: 1, name: "lmTempSensorsIndex", value: |(number, _)| Some(integer(*number)) },
        Column { number: 2, name: "lmTempSensorsDevice", value: |(_, sensor)| Some(device(sensor)) },
        Column { number: 3, name: "lmTempSensorsValue", value: |(_, sensor)| value(sensor, 3) },
    ],
);

static FANS: Table<Sensors> = table(
    &[1, 3, 6, 1, 4, 1, 2021, 13, 16, 3, 1],
    |facts| of(facts, |quantity| quantity == Quantity::Fan),
    &[
        Column { number: 1, name: "lmFanSensorsIndex", value: |(number, _)| Some(integer(*number)) },
        Column { number: 2, name: "lmFanSensorsDevice", value: |(_, sensor)| Some(device(sensor)) },
        Column { number: 3, name: "lmFanSensorsValue", value: |(_, sensor)| value(sensor, 0) },
    ],
);

static VOLTAGES: Table<Sensors> = table(
    &[1, 3, 6, 1, 4, 1, 2021, 13, 16, 4, 1],
    |facts| of(facts, |quantity| quantity == Quantity::Voltage),
    &[
        Column { number: 1, name: "lmVoltSensorsIndex", value: |(number, _)| Some(integer(*number)) },
        Column { number: 2, name: "lmVoltSensorsDevice", value: |(_, sensor)| Some(device(sensor)) },
        Column { number: 3, name: "lmVoltSensorsValue", value: |(_, sensor)| value(sensor, 3) },
    ],
);

static OTHERS: Table<Sensors> = table(
    &[1, 3, 6, 1, 4, 1, 2021, 13, 16, 5, 1],
    |facts| of(facts, |quantity| matches!(quantity, Quantity::Current | Quantity::Power)),
    &[
        Column { number: 1, name: "lmMiscSensorsIndex", value: |(number, _)| Some(integer(*number)) },
        Column { number: 2, name: "lmMiscSensorsDevice", value: |(_, sensor)| Some(device(sensor)) },
        Column { number: 3, name: "lmMiscSensorsValue", value: |(_, sensor)| value(sensor, 3) },
    ],
);

fn of(facts: &Facts, wanted: fn(Quantity) -> bool) -> Vec<(u32, &Sensor)> {
    let sensors = facts.section(|snapshot| snapshot.hwmon.get()).into_iter().flatten();
    let numbered = sensors.filter(|sensor| wanted(sensor.quantity)).filter_map(|sensor| {
        let number = facts.number(&SENSORS, &sensor.key)?;
        Some((number, sensor))
    });
    numbered.filter(|(number, _)| u16::try_from(*number).is_ok()).collect()
}

fn device(sensor: &Sensor) -> Value {
    Value::text(&format!("{} {}", sensor.chip, sensor.sensor))
}

fn value(sensor: &Sensor, decimals: i8) -> Option<Value> {
    let scaled = Number::Float(sensor.value?).scaled(decimals);
    (scaled >= 0).then(|| Value::Gauge32(u32::try_from(scaled).unwrap_or(u32::MAX)))
}
