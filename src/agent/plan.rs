//! A configuration, turned into what the agent's parts are made of. Everything that can be wrong is found here, before
//! anything changes.

use anyhow::{Context, Result, bail};

use super::administration;
use super::identity::Identity;
use super::listeners::Addresses;
use crate::collect::{self, Root, Setup, Snapshot, interface, service};
use crate::config::Config;
use crate::health::rules::{self, Rule};
use crate::mib::admin::Administration;
use crate::mib::oid::Oid;
use crate::mib::settings::Settings;
use crate::mib::snmpv2::System;
use crate::mib::vitals;
use crate::notify::target::{self, Target};
use crate::server::Listen;
use crate::snmp::{self, Engine};

/// What a configuration asks for.
pub struct Plan {
    /// Where to listen.
    pub listen: Addresses,
    /// Who may ask for what.
    pub engine: Engine,
    /// Who the engine is.
    pub identity: Identity,
    /// Where queries are logged, if they are.
    pub query_log: Option<snmp::config::QueryLog>,
    /// The thresholds in force.
    pub rules: Vec<Rule<Snapshot>>,
    /// What the system group says.
    pub system: System,
    /// What the modules of SNMP's own administration say.
    pub administration: Administration,
    /// The settings as the file has them.
    pub settings: Settings,
    /// Who is told of alarms.
    pub targets: Vec<Target>,
    /// The configuration itself, without users' secrets where they are needed no more.
    pub config: Config,
}

impl Plan {
    /// Checks everything that the configuration's own checks leave to the parts.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn new(config: &Config, identity: Identity) -> Result<Plan> {
        let root: Oid = config.mib.root.clone();
        let listen = Addresses {
            snmp: config
                .snmp
                .listen
                .iter()
                .map(|text| Listen::parse(text))
                .collect::<Result<_, _>>()
                .map_err(anyhow::Error::msg)?,
            http: config.http.as_ref().map(|http| http.listen.clone()),
        };
        let engine = engine(config, &identity)?;
        let compiled = rules::compile(&config.rule, collect::FAMILIES);
        if let Some(error) = compiled.errors.first() {
            bail!("rule: {}: {}", error.key, error.reason);
        }
        let targets = target::compile(&config.notify.snmp, &config.snmp.user);
        let targets = targets.map_err(|finding| anyhow::Error::msg(finding.to_string()))?;
        let host = host_name(&Root::new(&config.agent.root));
        let object_id = match &config.system.object_id {
            Some(text) => text.parse::<Oid>().map_err(anyhow::Error::msg).context("system.object_id")?,
            None => root.child(&[3, 1]),
        };
        let description = description(&host);
        let mut kept = config.clone();
        // Only an engine that is closed is made again of the same configuration.
        if identity.closed.is_none() {
            kept.snmp.forget_users_secrets();
        }
        Ok(Plan {
            listen,
            engine,
            administration: administration::of(config, identity.id.octets()),
            identity,
            query_log: config.snmp.query_log.clone(),
            rules: compiled.rules,
            system: System { description, object_id, root },
            settings: Settings {
                contact: config.system.contact.clone(),
                name: config.system.name.clone().unwrap_or(host),
                location: config.system.location.clone(),
                authen_traps: config.snmp.authentication_traps,
                ..Settings::default()
            },
            targets,
            config: kept,
        })
    }

    /// What collectors are made with.
    pub fn setup(&self, units: service::UnitSource) -> Setup {
        Setup {
            root: Root::new(&self.config.agent.root),
            config: self.config.collect.clone(),
            services: self.config.service.clone(),
            units,
            interfaces: interface::Memory::default(),
        }
    }
}

/// The SNMP engine with this identity; one that is closed serves no SNMPv3.
///
/// # Errors
/// The first thing that is wrong with `[snmp]`.
pub fn engine(config: &Config, identity: &Identity) -> Result<Engine> {
    let local = identity.local();
    Ok(Engine::new(&config.snmp, local.as_ref(), &|name| vitals::resolve(&config.mib.root, name))?)
}

/// The host's name. Below another root the file says it, as the kernel's answer would be the container's own.
fn host_name(root: &Root) -> String {
    let written = if root.is_own() { None } else { root.read_trimmed("etc/hostname") };
    written.or_else(|| root.read_trimmed("proc/sys/kernel/hostname")).unwrap_or_else(|| "localhost".into())
}

/// sysDescr, in the form of `uname -a`: managers tell the system, its kernel and its processor from it. The kernel is the
/// one that runs, whatever the root.
fn description(host: &str) -> String {
    let kernel = rustix::system::uname();
    let [system, release, version, machine] = [kernel.sysname(), kernel.release(), kernel.version(), kernel.machine()]
        .map(|text| text.to_string_lossy().into_owned());
    format!("{system} {host} {release} {version} {machine}")
}
