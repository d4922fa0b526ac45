//! Identities of SNMPv1 and SNMPv2c: `[snmp]` of the configuration, compiled.
//!
//! An identity is a community, the networks that may use it, what it may do and what it sees. Several entries may share
//! a community and differ in their networks; the first that permits the sender is the one. Secrets that stand in files
//! are read before this, by whoever reads the configuration.

use std::hint::black_box;
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
    #[error("snmp.community[{place}].view: there is no [[snmp.view]] named `{view}`")]
    UnknownView {
        /// Which community, from 0.
        place: usize,
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

/// Networks.
#[derive(Debug, Clone)]
pub struct Networks(Vec<IpNet>);

impl Networks {
    /// Only this machine: what is allowed unless the configuration says otherwise.
    pub fn loopback() -> Networks {
        let v4 = ipnet::Ipv4Net::new_assert(std::net::Ipv4Addr::new(127, 0, 0, 0), 8);
        Networks(vec![v4.into(), IpNet::from(IpAddr::from(std::net::Ipv6Addr::LOCALHOST))])
    }

    /// Reads networks, or single addresses; what is wrong goes to `errors` under this key.
    fn parse(texts: &[String], key: &str, errors: &mut Vec<Error>) -> Networks {
        let mut networks = Vec::with_capacity(texts.len());
        for text in texts {
            match text.parse::<IpNet>().or_else(|_| text.parse::<IpAddr>().map(IpNet::from)) {
                Ok(network) => networks.push(network),
                Err(_) => errors.push(Error::Network { key: key.into(), text: text.clone() }),
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

/// What a community stands for.
#[derive(Debug)]
pub struct Identity {
    name: Vec<u8>,
    from: Option<Networks>,
    /// What it may do.
    pub access: Access,
    /// What it sees.
    pub ranges: Ranges,
}

/// What a community and a source come to.
pub enum Admission<'a> {
    /// This identity.
    Known(&'a Identity),
    /// The community exists, and this source may not use it.
    WrongSource,
    /// There is no such community.
    Unknown,
}

/// Who may ask.
#[derive(Debug)]
pub struct Identities {
    allow: Networks,
    identities: Vec<Identity>,
}

impl Identities {
    /// Compiles `[snmp]`; everything that is wrong with it goes to `errors`.
    pub fn compile(config: &Config, resolve: Resolve, errors: &mut Vec<Error>) -> Identities {
        let allow = match &config.allow {
            Some(texts) => Networks::parse(texts, "snmp.allow", errors),
            None => Networks::loopback(),
        };
        let views = views(config, resolve, errors);
        let mut identities = Vec::with_capacity(config.community.len());
        for (place, community) in config.community.iter().enumerate() {
            let Some(name) = community.name.as_ref().filter(|name| !name.expose().is_empty()) else {
                errors.push(Error::NoName { place });
                continue;
            };
            let wanted = community.view.as_deref().unwrap_or(ALL);
            let Some((_, ranges)) = views.iter().find(|(view, _)| *view == wanted) else {
                errors.push(Error::UnknownView { place, view: wanted.into() });
                continue;
            };
            let key = format!("snmp.community[{place}].from");
            identities.push(Identity {
                name: name.expose().as_bytes().to_vec(),
                from: community.from.as_ref().map(|texts| Networks::parse(texts, &key, errors)),
                access: community.access,
                ranges: ranges.clone(),
            });
        }
        Identities { allow, identities }
    }

    /// Whether this source is answered at all.
    pub fn allow(&self, source: IpAddr) -> bool {
        self.allow.contain(source)
    }

    /// Who this community is, from this source. Every name is compared, whole.
    pub fn admit(&self, community: &[u8], source: IpAddr) -> Admission<'_> {
        let mut admission = Admission::Unknown;
        for identity in &self.identities {
            if !same(&identity.name, community) || matches!(admission, Admission::Known(_)) {
                continue;
            }
            let permitted = identity.from.as_ref().is_none_or(|networks| networks.contain(source));
            admission = if permitted { Admission::Known(identity) } else { Admission::WrongSource };
        }
        admission
    }
}

/// The views by name, the built-in one first.
fn views<'a>(config: &'a Config, resolve: Resolve, errors: &mut Vec<Error>) -> Vec<(&'a str, Ranges)> {
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
    views
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

/// Whether the octets are the same, in a time that depends on their number only.
fn same(left: &[u8], right: &[u8]) -> bool {
    let differ = left.iter().zip(right).fold(0, |differ, (left, right)| differ | black_box(left ^ right));
    left.len() == right.len() && black_box(differ) == 0
}

#[cfg(test)]
mod tests {
    use super::super::config::{Community, View};
    use super::*;
    use crate::secret::Secret;

    fn community(name: &str, from: Option<&str>, access: Access) -> Community {
        Community {
            name: Some(Secret::new(name)),
            access,
            from: from.map(|network| vec![network.into()]),
            ..Community::default()
        }
    }

    #[test]
    fn the_first_entry_that_permits_the_source_counts() {
        let config = Config {
            allow: Some(vec!["10.0.0.0/8".into(), "::1".into()]),
            community: vec![
                community("ops", Some("10.1.0.0/16"), Access::Write),
                community("ops", Some("10.0.0.0/8"), Access::Read),
            ],
            ..Config::default()
        };
        let mut errors = Vec::new();
        let identities = Identities::compile(&config, &|_| None, &mut errors);
        assert_eq!(errors, []);
        let source = |text: &str| text.parse().expect("an address");
        let access = |community: &[u8], from| match identities.admit(community, source(from)) {
            Admission::Known(identity) => Some(identity.access),
            Admission::WrongSource | Admission::Unknown => None,
        };
        assert!(identities.allow(source("::ffff:10.9.9.9")) && identities.allow(source("::1")));
        assert!(!identities.allow(source("127.0.0.1")) && !identities.allow(source("::2")));
        assert_eq!(access(b"ops", "10.1.2.3"), Some(Access::Write));
        assert_eq!(access(b"ops", "::ffff:10.2.2.3"), Some(Access::Read));
        assert!(matches!(identities.admit(b"ops", source("::1")), Admission::WrongSource));
        for wrong in [&b""[..], b"op", b"opsx", b"ops\0", b"OPS"] {
            assert_eq!(access(wrong, "10.1.2.3"), None, "{wrong:?}");
        }
    }

    #[test]
    fn every_error_names_its_key() {
        let config = Config {
            allow: Some(vec!["10.0.0.0/33".into()]),
            community: vec![
                Community::default(),
                Community { name: Some(Secret::new("a")), view: Some("nope".into()), ..Community::default() },
                community("b", Some("localhost"), Access::Read),
            ],
            view: vec![View { name: "v".into(), include: vec!["VITALS-MIB::nope".into()], exclude: vec![] }],
            ..Config::default()
        };
        let mut errors = Vec::new();
        Identities::compile(&config, &|_| None, &mut errors);
        let texts: Vec<String> = errors.iter().map(ToString::to_string).collect();
        let keys: Vec<&str> = texts.iter().map(|text| text.split(": ").next().unwrap_or_default()).collect();
        let wanted = [
            "snmp.allow",
            "snmp.view[0].include",
            "snmp.community[0]",
            "snmp.community[1].view",
            "snmp.community[2].from",
        ];
        assert_eq!(keys, wanted);
    }
}
