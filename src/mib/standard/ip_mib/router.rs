//! ipDefaultRouterTable: the gateways of default routes.

use std::net::IpAddr;

use super::super::Facts;
use super::super::internet::{self, interface};
use crate::collect::network::route::Route;
use crate::mib::index::Index;
use crate::mib::table::{Column, Rows, Table};
use crate::mib::value::Value;

/// A default router.
pub struct Router<'a> {
    number: u32,
    address: IpAddr,
    route: &'a Route,
}

impl Rows for Router<'static> {
    type Source = Facts;
    type Row<'a> = Router<'a>;
}

/// The longest lifetime that can be said: that of a router which was configured and not advertised.
const LONGEST: u32 = 65_535;

/// ipDefaultRouterTable.
pub static ROUTERS: Table<Router<'static>> = Table {
    entry: &[1, 3, 6, 1, 2, 1, 4, 37, 1],
    sections: &["route", "interface"],
    rows: |facts| {
        let routes = facts.section(|snapshot| snapshot.route.get()).into_iter().flat_map(|routes| &routes.rows);
        let rows = routes.filter(|route| route.is_default()).filter_map(|route| {
            let number = interface(facts, route.interface.as_deref()?)?;
            Some(Router { number, address: route.gateway?, route })
        });
        rows.collect()
    },
    index: |row| internet::address(Index::new(), row.address, row.number).number(row.number),
    columns: &[
        Column {
            number: 4,
            name: "ipDefaultRouterLifetime",
            value: |row| Some(Value::Gauge32(row.route.expires_seconds.unwrap_or(LONGEST).min(LONGEST))),
        },
        Column {
            number: 5,
            name: "ipDefaultRouterPreference",
            // Two bits with a sign (RFC 4191): low is -1.
            value: |row| {
                Some(Value::Integer(match row.route.preference {
                    1 => 1,
                    3 => -1,
                    _ => 0,
                }))
            },
        },
    ],
};
