//! Unit states from systemd, over the D-Bus system bus (org.freedesktop.systemd1(5)).
//!
//! Relies on `DBUS_SYSTEM_BUS_ADDRESS` where the bus is elsewhere. Properties are fetched one by one: `GetAll` of a service makes
//! systemd read a dozen control group files. Nothing is cached, nothing is started, stopped or subscribed to.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::timeout;
use zbus::connection::Builder;
use zbus::{Connection, OwnedObjectPath, OwnedVariant, fdo};

use crate::collect::Error;
use crate::collect::service::{UnitSource, UnitState};

const NAME: &str = "org.freedesktop.systemd1";
const PATH: &str = "/org/freedesktop/systemd1";
const MANAGER: &str = "org.freedesktop.systemd1.Manager";
const UNIT: &str = "org.freedesktop.systemd1.Unit";
const SERVICE: &str = "org.freedesktop.systemd1.Service";
const PROPERTIES: &str = "org.freedesktop.DBus.Properties";

/// The longest that all units together may take: below the section's deadline, so that the reason is told.
const TIMEOUT: Duration = Duration::from_secs(3);

/// The states of these units, by their full names, in their order, from the system bus.
pub async fn units(names: &[String]) -> Result<Vec<UnitState>, Error> {
    static SYSTEM: Systemd = Systemd::new();
    SYSTEM.units(names).await
}

/// How a collector's thread asks, whose caller has a runtime that lives on.
pub fn source(runtime: tokio::runtime::Handle) -> UnitSource {
    Arc::new(move |names: &[String]| runtime.block_on(units(names)))
}

/// systemd on one bus. The connection is kept, and made again after a failure. It belongs to the runtime in which it was made.
#[derive(Debug)]
pub struct Systemd {
    address: Option<String>,
    connection: Mutex<Option<Connection>>,
}

impl Systemd {
    /// On the system bus.
    pub const fn new() -> Self {
        Systemd { address: None, connection: Mutex::const_new(None) }
    }

    /// On the bus at a D-Bus address: `unix:path=/run/dbus/system_bus_socket`.
    pub fn at(address: impl Into<String>) -> Self {
        Systemd { address: Some(address.into()), connection: Mutex::const_new(None) }
    }

    /// The states of these units, by their full names, in their order. A unit of which systemd refuses to speak is
    /// there with the reason; an error means that systemd can't be asked at all.
    pub async fn units(&self, names: &[String]) -> Result<Vec<UnitState>, Error> {
        timeout(TIMEOUT, self.ask(names))
            .await
            .map_err(|_| failed("no answer within 3 s"))?
            .map_err(|error| failed(&error.to_string()))
    }

    async fn ask(&self, names: &[String]) -> zbus::Result<Vec<UnitState>> {
        let mut kept = self.connection.lock().await;
        // Taken out: whatever fails or is cut off by the time-out, a connection in doubt is not used again.
        if let Some(connection) = kept.take()
            && let Ok(states) = ask_all(&connection, names).await
        {
            *kept = Some(connection);
            return Ok(states);
        }
        let connection = self.connect().await?;
        let states = ask_all(&connection, names).await?;
        *kept = Some(connection);
        Ok(states)
    }

    async fn connect(&self) -> zbus::Result<Connection> {
        match &self.address {
            Some(address) => Builder::address(address.as_str()).build().await,
            None => Builder::system().build().await,
        }
    }
}

impl Default for Systemd {
    fn default() -> Self {
        Systemd::new()
    }
}

fn failed(reason: &str) -> Error {
    Error::Peer(format!("systemd: {reason}"))
}

async fn ask_all(connection: &Connection, names: &[String]) -> zbus::Result<Vec<UnitState>> {
    let mut states = Vec::with_capacity(names.len());
    for name in names {
        states.push(match ask_one(connection, name).await {
            Err(error) if is_about_unit(&error) => {
                UnitState { name: name.clone(), problem: Some(error.to_string()), ..UnitState::default() }
            }
            state => state?,
        });
    }
    Ok(states)
}

/// Whether the error is of the unit, such as an invalid name, rather than of systemd or the bus.
fn is_about_unit(error: &zbus::Error) -> bool {
    match error {
        zbus::Error::MethodError(name, ..) => name.starts_with("org.freedesktop.systemd1."),
        zbus::Error::FDO(error) => matches!(**error, fdo::Error::InvalidArgs(_) | fdo::Error::UnknownObject(_)),
        _ => false,
    }
}

/// How systemd says that it doesn't count, or that nothing runs.
const UNKNOWN: u64 = u64::MAX;

async fn ask_one(connection: &Connection, name: &str) -> zbus::Result<UnitState> {
    let reply = connection.call_method(Some(NAME), PATH, Some(MANAGER), "LoadUnit", &(name,)).await?;
    let path: OwnedObjectPath = reply.body().deserialize()?;
    let unit = |property| text(connection, &path, property);
    let (load, active, sub) = tokio::try_join!(unit("LoadState"), unit("ActiveState"), unit("SubState"))?;
    let active_since = number(connection, &path, UNIT, "ActiveEnterTimestamp").await?.filter(|moment| *moment > 0);
    let mut state = UnitState { name: name.into(), load, active, sub, active_since, ..UnitState::default() };
    // Mounts, timers and the like have no service's properties.
    if name.ends_with(".service") {
        let service = |property| number(connection, &path, SERVICE, property);
        let (main, restarts, cpu, memory) = tokio::try_join!(
            service("MainPID"),
            service("NRestarts"),
            service("CPUUsageNSec"),
            service("MemoryCurrent")
        )?;
        state.main_process = main.and_then(|pid| u32::try_from(pid).ok()).filter(|pid| *pid > 0);
        state.restarts = restarts;
        state.cpu_nanoseconds = cpu.filter(|number| *number != UNKNOWN);
        state.memory_bytes = memory.filter(|number| *number != UNKNOWN);
    }
    Ok(state)
}

async fn text(connection: &Connection, path: &OwnedObjectPath, property: &str) -> zbus::Result<String> {
    String::try_from(get(connection, path, UNIT, property).await?)
}

/// A property of 32 or 64 bits; `None` where this systemd is too old to have it.
async fn number(
    connection: &Connection,
    path: &OwnedObjectPath,
    interface: &str,
    property: &str,
) -> zbus::Result<Option<u64>> {
    let value = match get(connection, path, interface, property).await {
        Err(zbus::Error::FDO(error)) if matches!(*error, fdo::Error::UnknownProperty(_)) => return Ok(None),
        value => value?,
    };
    Ok(u64::try_from(&value).or_else(|_| u32::try_from(&value).map(u64::from)).ok())
}

async fn get(
    connection: &Connection,
    path: &OwnedObjectPath,
    interface: &str,
    property: &str,
) -> zbus::Result<OwnedVariant> {
    let reply = connection.call_method(Some(NAME), path, Some(PROPERTIES), "Get", &(interface, property)).await?;
    reply.body().deserialize()
}
