//! The version group, and snmperrs. Nothing here may be set: what snmpd does on these SETs, the daemon does on signals.
//!
//! Deviation: versionDate is left out: no date is built in, so that equal sources make equal programs.

use jiff::tz::Offset;

use super::super::Facts;
use crate::mib::Value;
use crate::mib::table::{Group, Reading, Scalar};

const NAME: &str = env!("CARGO_PKG_NAME");
const VERSION_TAG: &str = env!("CARGO_PKG_VERSION");

/// The version group; its clock is new each second.
pub const VERSION: Group<Facts> = Group {
    oid: &[1, 3, 6, 1, 4, 1, 2021, 100],
    sections: &["section"],
    scalars: &[
        Scalar { number: 1, name: "versionIndex", value: Reading::Fixed(|_| Some(Value::Integer(1))) },
        Scalar { number: 2, name: "versionTag", value: Reading::Fixed(|_| Some(Value::text(VERSION_TAG))) },
        Scalar { number: 4, name: "versionCDate", value: Reading::Fixed(local_time) },
        Scalar {
            number: 5,
            name: "versionIdent",
            value: Reading::Fixed(|_| Some(Value::text(&format!("{NAME} {VERSION_TAG}")))),
        },
        Scalar {
            number: 6,
            name: "versionConfigureOptions",
            value: Reading::Fixed(|_| {
                Some(Value::text(&format!("{}-{}", std::env::consts::ARCH, std::env::consts::OS)))
            }),
        },
        Scalar { number: 10, name: "versionClearCache", value: Reading::Fixed(|_| Some(Value::Integer(0))) },
        Scalar { number: 11, name: "versionUpdateConfig", value: Reading::Fixed(|_| Some(Value::Integer(0))) },
        Scalar { number: 12, name: "versionRestartAgent", value: Reading::Fixed(|_| Some(Value::Integer(0))) },
        Scalar { number: 13, name: "versionSavePersistentData", value: Reading::Fixed(|_| Some(Value::Integer(0))) },
        Scalar { number: 20, name: "versionDoDebugging", value: Reading::Fixed(|_| Some(Value::Integer(0))) },
    ],
};

/// As ctime(3): `Tue Nov  4 12:45:23 2025`.
fn local_time(facts: &Facts) -> Option<Value> {
    let snapshot = facts.snapshot.as_deref()?;
    let offset = Offset::from_seconds(snapshot.host.get()?.zone).ok()?;
    let local = offset.to_datetime(snapshot.now.wall);
    Some(Value::text(&local.strftime("%a %b %e %H:%M:%S %Y").to_string()))
}

/// snmperrs: the agent itself, without errors as long as it answers.
pub const ERRORS: Group<Facts> = Group {
    oid: &[1, 3, 6, 1, 4, 1, 2021, 101],
    sections: &["section"],
    scalars: &[
        Scalar { number: 1, name: "snmperrIndex", value: Reading::Fixed(|_| Some(Value::Integer(0))) },
        Scalar { number: 2, name: "snmperrNames", value: Reading::Fixed(|_| Some(Value::text("snmp"))) },
        Scalar { number: 100, name: "snmperrErrorFlag", value: Reading::Fixed(|_| Some(Value::Integer(0))) },
        Scalar { number: 101, name: "snmperrErrMessage", value: Reading::Fixed(|_| Some(Value::text(""))) },
    ],
};
