//! ENTITY-SENSOR-MIB (RFC 3433): what the hardware sensors read. A fan's speed is a sensor in the fan.

use super::Facts;
use super::entities::{Fact, placed, sensors_status};
use crate::collect::hwmon::{Quantity, Sensor};
use crate::metric::Number;
use crate::mib::Value;
use crate::mib::index::Index;
use crate::mib::table::{Column, Module, Rows, Table};

/// ENTITY-SENSOR-MIB.
pub static MODULE: Module<Facts> = Module {
    name: "ENTITY-SENSOR-MIB",
    identity: &[1, 3, 6, 1, 2, 1, 99],
    sentence: "The MIB module for physical sensors (RFC 3433).",
    groups: &[],
    tables: &[&SENSORS],
};

struct Sensors;

/// A sensor, its entity's number, and the uptime at which it was read.
struct Read<'a> {
    number: u32,
    sensor: &'a Sensor,
    at: Option<std::time::Duration>,
}

impl Rows for Sensors {
    type Source = Facts;
    type Row<'a> = Read<'a>;
}

/// entPhySensorTable. Values are in whole units with their decimal places: of the scales, managers know units(9) best.
static SENSORS: Table<Sensors> = Table {
    entry: &[1, 3, 6, 1, 2, 1, 99, 1, 1, 1],
    sections: super::entities::SECTIONS,
    rows: |facts| {
        let at = sensors_status(facts).and_then(|status| status.collected).map(|now| now.monotonic);
        let rows = placed(facts).into_iter().filter_map(|row| match row.entity.fact {
            Fact::Sensor(sensor) => Some(Read { number: row.number, sensor, at }),
            _ => None,
        });
        rows.collect()
    },
    index: |row| Index::new().number(row.number),
    columns: &[
        Column { number: 1, name: "entPhySensorType", value: |row| Some(kind(row.sensor.quantity)) },
        Column { number: 2, name: "entPhySensorScale", value: |_| Some(Value::Integer(UNITS)) },
        Column {
            number: 3,
            name: "entPhySensorPrecision",
            value: |row| Some(Value::Integer(i32::from(decimals(row.sensor.quantity)))),
        },
        Column { number: 4, name: "entPhySensorValue", value: |row| Some(Value::Integer(reading(row.sensor)?)) },
        Column { number: 5, name: "entPhySensorOperStatus", value: |row| Some(status(row.sensor)) },
        Column {
            number: 6,
            name: "entPhySensorUnitsDisplay",
            value: |row| Some(Value::text(unit(row.sensor.quantity))),
        },
        Column { number: 7, name: "entPhySensorValueTimeStamp", value: |row| Some(Value::time_stamp(row.at?)) },
        // How often it is read is the configuration's to say, not a fact: zero is for that too.
        Column { number: 8, name: "entPhySensorValueUpdateRate", value: |_| Some(Value::Gauge32(0)) },
    ],
};

/// EntitySensorDataScale units.
const UNITS: i32 = 9;

/// EntitySensorDataType.
fn kind(quantity: Quantity) -> Value {
    Value::Integer(match quantity {
        Quantity::Voltage => 4,
        Quantity::Current => 5,
        Quantity::Power => 6,
        Quantity::Temperature => 8,
        Quantity::Fan => 10,
    })
}

/// The decimal places that the kernel has, three of a power's six: nine digits must hold it.
fn decimals(quantity: Quantity) -> i8 {
    if quantity == Quantity::Fan { 0 } else { 3 }
}

/// EntitySensorValue: more than nine digits is told as their end.
fn reading(sensor: &Sensor) -> Option<i32> {
    let scaled = Number::Float(sensor.value?).scaled(decimals(sensor.quantity));
    i32::try_from(scaled.clamp(-1_000_000_000, 1_000_000_000)).ok()
}

/// EntitySensorStatus: ok(1), unavailable(2), nonoperational(3).
fn status(sensor: &Sensor) -> Value {
    Value::Integer(match (sensor.fault, sensor.value) {
        (Some(true), _) => 3,
        (_, Some(_)) => 1,
        (_, None) => 2,
    })
}

fn unit(quantity: Quantity) -> &'static str {
    match quantity {
        Quantity::Temperature => "degrees Celsius",
        Quantity::Fan => "revolutions per minute",
        Quantity::Voltage => "volts",
        Quantity::Current => "amperes",
        Quantity::Power => "watts",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn readings_are_nine_digits_at_most() {
        let mut sensor =
            crate::collect::hwmon::read(&crate::collect::Root::new("tests/fixtures/root")).expect("a class").remove(0);
        for (value, expected) in
            [(None, None), (Some(-4.5), Some(-4500)), (Some(1e12), Some(1_000_000_000)), (Some(45.0), Some(45_000))]
        {
            sensor.value = value;
            assert_eq!(reading(&sensor), expected);
        }
        sensor.fault = Some(true);
        assert_eq!(status(&sensor), Value::Integer(3));
    }
}
