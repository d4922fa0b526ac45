//! prTable: the watched services, as processes that should run. extTable: no commands are run for it.

use super::super::{Facts, Subject};
use crate::collect::service::Service;
use crate::mib::Value;
use crate::mib::conventions::{integer, integer64};
use crate::mib::index::Index;
use crate::mib::table::{Column, Rows, Table};

/// prIndex, by the service's name. The services' family has the same.
pub static SERVICES: Subject = Subject {
    name: "service",
    sections: &["service"],
    names: |snapshot| {
        let services = snapshot.service.get().into_iter().flat_map(|services| &services.rows);
        services.map(|service| (service.name.clone(), None)).collect()
    },
};

/// prTable. A systemd unit that is up counts as one process: which are its own is systemd's affair.
pub static WATCHED: Table<Watched> = Table {
    entry: &[1, 3, 6, 1, 4, 1, 2021, 2, 1],
    sections: &["service"],
    rows: |facts| {
        let services = facts.section(|snapshot| snapshot.service.get()).into_iter().flat_map(|services| &services.rows);
        services.filter_map(|service| Some((facts.number(&SERVICES, &service.name)?, service))).collect()
    },
    index: |(index, _)| Index::new().number(*index),
    columns: &[
        Column { number: 1, name: "prIndex", value: |(index, _)| Some(integer(*index)) },
        Column { number: 2, name: "prNames", value: |(_, service)| Some(Value::text(&service.name)) },
        Column { number: 3, name: "prMin", value: |(_, service)| Some(integer(service.wanted.0)) },
        // Zero is no limit.
        Column { number: 4, name: "prMax", value: |(_, service)| Some(integer(service.wanted.1.unwrap_or(0))) },
        Column {
            number: 5,
            name: "prCount",
            value: |(_, service)| service.processes.or(service.up.map(u64::from)).map(integer64),
        },
        Column {
            number: 100,
            name: "prErrorFlag",
            value: |(_, service)| Some(Value::Integer(i32::from(service.up != Some(true)))),
        },
        Column {
            number: 101,
            name: "prErrMessage",
            value: |(_, service)| {
                let told = format!("{}: {}", service.name, service.problem.as_deref().unwrap_or("is not up"));
                Some(Value::text(if service.up == Some(true) { "" } else { &told }))
            },
        },
        // Nothing is started to set things right.
        Column { number: 102, name: "prErrFix", value: |_| Some(Value::Integer(0)) },
        Column { number: 103, name: "prErrFixCmd", value: |_| Some(Value::text("")) },
    ],
};

/// The rows of prTable.
pub struct Watched;

impl Rows for Watched {
    type Source = Facts;
    type Row<'a> = (u32, &'a Service);
}

/// extTable, without rows: managers that look for it learn that there are none.
pub static COMMANDS: Table<Commands> = Table {
    entry: &[1, 3, 6, 1, 4, 1, 2021, 8, 1],
    sections: &["section"],
    rows: |_| Vec::new(),
    index: |never| match *never {},
    columns: &[
        Column { number: 1, name: "extIndex", value: |never| match *never {} },
        Column { number: 2, name: "extNames", value: |never| match *never {} },
        Column { number: 3, name: "extCommand", value: |never| match *never {} },
        Column { number: 100, name: "extResult", value: |never| match *never {} },
        Column { number: 101, name: "extOutput", value: |never| match *never {} },
        Column { number: 102, name: "extErrFix", value: |never| match *never {} },
        Column { number: 103, name: "extErrFixCmd", value: |never| match *never {} },
    ],
};

/// The rows of extTable.
pub struct Commands;

impl Rows for Commands {
    type Source = Facts;
    type Row<'a> = std::convert::Infallible;
}
