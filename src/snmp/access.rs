//! What identities of any version have in common: networks, views, and what may be done (RFC 3415 by ranges).
//!
//! A view is a list of ranges of keys, computed once: an excluded subtree is skipped by one search, and never shows, also
//! not as the next of something.

use std::net::IpAddr;

use ipnet::IpNet;
use thiserror::Error;

use super::config::{Access, Config};
use crate::mib::{Oid, Ranges};

/// Why a configuration can't be used. Each says the key.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Error {
    /// Not an address or network.
    #[error("{key}: `{text}` is not a network: write an address with a prefix length, as 10.0.0.0/8 or ::1/128")]
    Network {
        /// The key in the file.
        key: String,
        /// What stands there.
        text: String,
    },
    /// A community without a name.
    #[error("snmp.community[{place}]: give `name` or `name_file`, and not an empty one")]
    NoName {
        /// Which one, from 0.
        place: usize,
    },
    /// A view that nobody defines.
    #[error("{identity}.view: there is no [[snmp.view]] named `{view}`")]
    UnknownView {
        /// Whose, by the key in the file.
        identity: String,
        /// The view it names.
        view: String,
    },
    /// A subtree that is neither numbers nor a known name.
    #[error(
        "{key}: `{text}` is not an object: write numbers with dots, or VITALS-MIB::name as `vitalsd mib` prints it"
    )]
    Subtree {
        /// The key in the file.
        key: String,
        /// What stands there.
        text: String,
    },
    /// A user whose name or keys can't be used.
    #[error("snmp.user[{place}]{key}: {reason}")]
    User {
        /// Which user, from 0.
        place: usize,
        /// The key in it, with a dot before it, or nothing.
        key: &'static str,
        /// What is wrong.
        reason: String,
    },
    /// Two views of one name, or one named like the built-in view.
    #[error("snmp.view[{place}].name: another view is named `{name}` already; `all` is built in")]
    ViewTwice {
        /// Which view, from 0.
        place: usize,
        /// Its name.
        name: String,
    },
}

/// How names such as `VITALS-MIB::vitalsCpu` are found.
pub type Resolve<'a> = &'a dyn Fn(&str) -> Option<Oid>;

/// The view that everybody has.
const ALL: &str = "all";

/// The network of `ADDRESS/BITS`, or of a single address.
pub fn network(text: &str) -> Option<IpNet> {
    text.parse::<IpNet>().or_else(|_| text.parse::<IpAddr>().map(IpNet::from)).ok()
}

/// Networks.
#[derive(Debug, Clone)]
pub struct Networks(Vec<IpNet>);

impl Networks {
    /// Only this machine: what is allowed unless the configuration says otherwise.
    pub fn loopback() -> Networks {
        let v4 = ipnet::Ipv4Net::new_assert(std::net::Ipv4Addr::new(127, 0, 0, 0), 8);
        Networks(vec![v4.into(), IpNet::from(IpAddr::from(std::net::Ipv6Addr::LOCALHOST))])
    }

    /// Whether all of a network is in one of these.
    pub fn cover(&self, network: &IpNet) -> bool {
        self.0.iter().any(|known| known.contains(network))
    }

    /// Who is answered at all: `snmp.allow`.
    pub fn allowed(config: &Config, errors: &mut Vec<Error>) -> Networks {
        match &config.allow {
            Some(texts) => Networks::parse(texts, "snmp.allow", errors),
            None => Networks::loopback(),
        }
    }

    /// Reads networks, or single addresses; what is wrong goes to `errors` under this key.
    pub fn parse(texts: &[String], key: &str, errors: &mut Vec<Error>) -> Networks {
        let mut networks = Vec::with_capacity(texts.len());
        for text in texts {
            match network(text) {
                Some(network) => networks.push(network),
                None => errors.push(Error::Network { key: key.into(), text: text.clone() }),
            }
        }
        Networks(networks)
    }

    /// Whether the address is in one of them; `::ffff:a.b.c.d` is a.b.c.d.
    pub fn contain(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|network| network.contains(&address))
    }
}

/// What an identity may do, and what it sees.
#[derive(Debug, Clone)]
pub struct Rights {
    /// What it may do.
    pub access: Access,
    /// What it sees.
    pub ranges: Ranges,
}

/// The views by name, the built-in one first.
pub struct Views<'a>(Vec<(&'a str, Ranges)>);

impl<'a> Views<'a> {
    /// Compiles `[[snmp.view]]`; what is wrong goes to `errors`.
    pub fn compile(config: &'a Config, resolve: Resolve, errors: &mut Vec<Error>) -> Views<'a> {
        let mut views = vec![(ALL, Ranges::all())];
        for (place, view) in config.view.iter().enumerate() {
            if views.iter().any(|(name, _)| *name == view.name) {
                errors.push(Error::ViewTwice { place, name: view.name.clone() });
                continue;
            }
            let include = subtrees(&view.include, &format!("snmp.view[{place}].include"), resolve, errors);
            let exclude = subtrees(&view.exclude, &format!("snmp.view[{place}].exclude"), resolve, errors);
            views.push((&view.name, Ranges::new(&include, &exclude)));
        }
        Views(views)
    }

    /// The rights of an identity that names a view, or none and so the built-in one. `identity` is the key in the file.
    pub fn rights(&self, access: Access, view: Option<&str>, identity: &str) -> Result<Rights, Error> {
        let wanted = view.unwrap_or(ALL);
        let found = self.0.iter().find(|(name, _)| *name == wanted);
        found
            .map(|(_, ranges)| Rights { access, ranges: ranges.clone() })
            .ok_or_else(|| Error::UnknownView { identity: identity.into(), view: wanted.into() })
    }
}

fn subtrees(texts: &[String], key: &str, resolve: Resolve, errors: &mut Vec<Error>) -> Vec<Oid> {
    let mut oids = Vec::with_capacity(texts.len());
    for text in texts {
        match text.parse().ok().or_else(|| resolve(text)) {
            Some(oid) => oids.push(oid),
            None => errors.push(Error::Subtree { key: key.into(), text: text.clone() }),
        }
    }
    oids
}
