//! Identities of SNMPv1 and SNMPv2c: `[[snmp.community]]` of the configuration, compiled.
//!
//! An identity is a community, the networks that may use it, what it may do and what it sees. Several entries may share
//! a community and differ in their networks; the first that permits the sender is the one. Secrets that stand in files
//! are read before this, by whoever reads the configuration.

use std::net::IpAddr;

use subtle::ConstantTimeEq;

use super::access::{Error, Networks, Rights, Views};
use super::config::Config;

/// What a community stands for.
#[derive(Debug, Clone)]
pub struct Identity {
    name: Vec<u8>,
    from: Option<Networks>,
    /// Its place in the configuration, from 0: how logs call it, as its name is a secret.
    pub place: usize,
    /// What it may do and see.
    pub rights: Rights,
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

/// Every community.
#[derive(Debug, Clone)]
pub struct Communities(Vec<Identity>);

impl Communities {
    /// Compiles the communities; everything that is wrong with them goes to `errors`.
    pub fn compile(config: &Config, views: &Views, errors: &mut Vec<Error>) -> Communities {
        let mut identities = Vec::with_capacity(config.community.len());
        for (place, community) in config.community.iter().enumerate() {
            let key = format!("snmp.community[{place}]");
            let Some(name) = community.name.as_ref().filter(|name| !name.expose().is_empty()) else {
                errors.push(Error::NoName { place });
                continue;
            };
            let rights = match views.rights(community.access, community.view.as_deref(), &key) {
                Ok(rights) => rights,
                Err(error) => {
                    errors.push(error);
                    continue;
                }
            };
            let from_key = format!("{key}.from");
            identities.push(Identity {
                name: name.expose().as_bytes().to_vec(),
                from: community.from.as_ref().map(|texts| Networks::parse(texts, &from_key, errors)),
                place,
                rights,
            });
        }
        Communities(identities)
    }

    /// Who this community is, from this source. Every name is compared, whole, in a time that depends on lengths only.
    pub fn admit(&self, community: &[u8], source: IpAddr) -> Admission<'_> {
        let mut admission = Admission::Unknown;
        for identity in &self.0 {
            let same = bool::from(identity.name.as_slice().ct_eq(community));
            if !same || matches!(admission, Admission::Known(_)) {
                continue;
            }
            let permitted = identity.from.as_ref().is_none_or(|networks| networks.contain(source));
            admission = if permitted { Admission::Known(identity) } else { Admission::WrongSource };
        }
        admission
    }
}

#[cfg(test)]
mod tests {
    use super::super::config::{Access, Community, View};
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
        let allow = Networks::allowed(&config, &mut errors);
        let views = Views::compile(&config, &|_| None, &mut errors);
        let communities = Communities::compile(&config, &views, &mut errors);
        assert_eq!(errors, []);
        let source = |text: &str| text.parse().expect("an address");
        let access = |community: &[u8], from| match communities.admit(community, source(from)) {
            Admission::Known(identity) => Some(identity.rights.access),
            Admission::WrongSource | Admission::Unknown => None,
        };
        assert!(allow.contain(source("::ffff:10.9.9.9")) && allow.contain(source("::1")));
        assert!(!allow.contain(source("127.0.0.1")) && !allow.contain(source("::2")));
        assert_eq!(access(b"ops", "10.1.2.3"), Some(Access::Write));
        assert_eq!(access(b"ops", "::ffff:10.2.2.3"), Some(Access::Read));
        assert!(matches!(communities.admit(b"ops", source("::1")), Admission::WrongSource));
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
        Networks::allowed(&config, &mut errors);
        let views = Views::compile(&config, &|_| None, &mut errors);
        Communities::compile(&config, &views, &mut errors);
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
