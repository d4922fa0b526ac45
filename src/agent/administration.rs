//! The configuration as managers read it: `[snmp]` and `[notify]` in the terms of the SNMP administration modules.
//!
//! A community is a secret, so that it is called `community-N`, by its place in the file.

use std::net::{IpAddr, SocketAddr};

use ipnet::IpNet;

use crate::config::Config;
use crate::mib::admin::{
    Address, Administration, Community, Family, MAX_NAME_OCTETS, Notify, Parameters, Principal, SecurityLevel,
    SecurityModel, Transport, User,
};
use crate::mib::{Oid, vitals};
use crate::notify::config::{SnmpTarget, Version};
use crate::notify::target;
use crate::secret::Secret;
use crate::snmp::MAX_DATAGRAM;
use crate::snmp::config::{self, Access, Level};
use crate::snmp::notification::Kind;

/// The view that everybody has, and what a part of the tree is called there: all of it.
const ALL: (&str, &[u32]) = ("all", &[1]);

/// The tags of the addresses that traps and informs go to.
const TAGS: [(&str, Kind); 2] = [("traps", Kind::Trap), ("informs", Kind::Inform)];

/// snmpTargetAddrTimeout where nothing is waited for: its default, in hundredths of a second.
const TIMEOUT_HUNDREDTHS: u32 = 1500;

/// What a configuration that has been checked says.
pub fn of(config: &Config, engine_id: &[u8]) -> Administration {
    let (snmp, targets) = (&config.snmp, &config.notify.snmp);
    let users = snmp.user.iter().map(|user| User {
        name: name(&user.name),
        auth: user.auth.protocol().map(|protocol| protocol.oid()),
        privacy: user.privacy.protocol().map(|protocol| protocol.oid()),
    });
    let by_user = snmp
        .user
        .iter()
        .map(|user| principal(name(&user.name), SecurityModel::Usm, level(user), user.access, user.view.as_deref()));
    let communities = (1..).zip(&snmp.community);
    let by_community = communities.clone().flat_map(|(place, community)| {
        [SecurityModel::V1, SecurityModel::V2c].map(|model| {
            let (access, view) = (community.access, community.view.as_deref());
            principal(security_name(place), model, SecurityLevel::NoAuthNoPriv, access, view)
        })
    });
    let networks = communities.clone().flat_map(|(place, community)| {
        let each = (1..).zip(community.from.iter().flatten());
        each.filter_map(move |(number, text)| network(&security_name(place), number, text))
    });
    Administration {
        engine_id: engine_id.to_vec(),
        max_message_size: u32::try_from(MAX_DATAGRAM).unwrap_or(u32::MAX),
        users: users.collect(),
        communities: communities
            .clone()
            .map(|(place, community)| Community {
                security_name: security_name(place),
                tag: community.from.as_ref().map(|_| security_name(place)).unwrap_or_default(),
            })
            .collect(),
        principals: by_community.chain(by_user).collect(),
        families: families(&snmp.view, &config.mib.root),
        addresses: targets.iter().filter_map(address).chain(networks).collect(),
        parameters: targets.iter().map(|target| parameters(target, &snmp.community, &snmp.user)).collect(),
        notifications: notifications(targets),
    }
}

/// A name as these modules can carry it: cut to 32 octets, on a character's edge.
fn name(text: &str) -> String {
    let mut end = text.len().min(MAX_NAME_OCTETS);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text[..end].to_string()
}

/// What a community is called, by its place in the file, from 1.
fn security_name(place: usize) -> String {
    format!("community-{place}")
}

/// The least level that a user's messages must have: unless given, the most that his keys allow.
fn level(user: &config::User) -> SecurityLevel {
    let most = match (user.auth.protocol(), user.privacy.protocol()) {
        (None, _) => Level::NoAuthNoPriv,
        (Some(_), None) => Level::AuthNoPriv,
        (Some(_), Some(_)) => Level::AuthPriv,
    };
    match user.level.unwrap_or(most) {
        Level::NoAuthNoPriv => SecurityLevel::NoAuthNoPriv,
        Level::AuthNoPriv => SecurityLevel::AuthNoPriv,
        Level::AuthPriv => SecurityLevel::AuthPriv,
    }
}

fn principal(
    security_name: String,
    model: SecurityModel,
    level: SecurityLevel,
    access: Access,
    view: Option<&str>,
) -> Principal {
    let view = name(view.unwrap_or(ALL.0));
    let view_if = |has: bool| if has { view.clone() } else { String::new() };
    Principal {
        name: security_name,
        model,
        level,
        read: view_if(access != Access::None),
        write: view_if(access == Access::Write),
        notify: view,
    }
}

/// The views' subtrees. What is excluded stands first: of two equal subtrees it is the one that counts.
fn families(views: &[config::View], root: &Oid) -> Vec<Family> {
    let all = Family { view: ALL.0.into(), subtree: ALL.1.into(), included: true };
    let named = views.iter().flat_map(|view| {
        let excluded = view.exclude.iter().map(|text| (text, false));
        excluded.chain(view.include.iter().map(|text| (text, true))).filter_map(|(text, included)| {
            let oid: Oid = text.parse().ok().or_else(|| vitals::resolve(root, text))?;
            Some(Family { view: name(&view.name), subtree: oid.arcs().to_vec(), included })
        })
    });
    std::iter::once(all).chain(named).collect()
}

/// A network from which a community is accepted, from any port.
fn network(tag: &str, number: usize, text: &str) -> Option<Address> {
    let network: IpNet = text.parse().ok().or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from))?;
    let mask = match network.netmask() {
        IpAddr::V4(mask) => mask.octets().to_vec(),
        IpAddr::V6(mask) => mask.octets().to_vec(),
    };
    Some(Address {
        name: format!("{tag}-from-{number}"),
        transport: Transport::Udp(SocketAddr::new(network.network(), 0)),
        mask: [mask, vec![0, 0]].concat(),
        timeout_hundredths: TIMEOUT_HUNDREDTHS,
        retries: 0,
        tags: tag.into(),
        parameters: tag.into(),
    })
}

/// The kinds of notification that some target gets.
fn notifications(targets: &[SnmpTarget]) -> Vec<Notify> {
    let used = TAGS.into_iter().filter(|(_, kind)| targets.iter().any(|target| target.kind == *kind));
    used.map(|(tag, kind)| Notify { tag: tag.into(), informs: kind == Kind::Inform }).collect()
}

/// Where a target is. A host's name stays one: its address is looked up at each sending.
fn address(target: &SnmpTarget) -> Option<Address> {
    let host_and_port = target::address(&target.target).ok()?;
    let (timeout_hundredths, retries) = match target.kind {
        Kind::Trap => (TIMEOUT_HUNDREDTHS, 0),
        Kind::Inform => {
            (u32::try_from(target.first_wait().as_millis() / 10).unwrap_or(u32::MAX), target.most_retries())
        }
    };
    let tag = TAGS.iter().find(|(_, kind)| *kind == target.kind).map_or("", |(tag, _)| tag);
    Some(Address {
        name: name(&target.name),
        transport: host_and_port.parse().map_or(Transport::UdpHost(host_and_port), Transport::Udp),
        mask: Vec::new(),
        timeout_hundredths,
        retries,
        tags: tag.into(),
        parameters: name(&target.name),
    })
}

/// How a target is sent to. A community that is accepted too is called as it is there; another by its target's name.
fn parameters(target: &SnmpTarget, accepted: &[config::Community], users: &[config::User]) -> Parameters {
    let by_community = |model| {
        let exposed = |secret: &Option<Secret>| secret.as_ref().map(|secret| secret.expose().to_string());
        let same = |community: &config::Community| {
            target.community.is_some() && exposed(&community.name) == exposed(&target.community)
        };
        let place = accepted.iter().position(same);
        let security_name = place.map_or_else(|| name(&target.name), |place| security_name(place + 1));
        Parameters { name: name(&target.name), model, security_name, level: SecurityLevel::NoAuthNoPriv }
    };
    match target.version {
        Version::V1 => by_community(SecurityModel::V1),
        Version::V2c => by_community(SecurityModel::V2c),
        Version::V3 => {
            let named = target.user.as_deref().unwrap_or_default();
            let user = users.iter().find(|user| user.name == named);
            Parameters {
                name: name(&target.name),
                model: SecurityModel::Usm,
                security_name: name(named),
                // Whatever the user's least: what is sent is as safe as his keys allow.
                level: user
                    .map_or(SecurityLevel::NoAuthNoPriv, |user| level(&config::User { level: None, ..user.clone() })),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_secret_of_the_configuration_is_in_it() {
        let text = r#"
            [snmp]
            [[snmp.community]]
            name = "hush-one"
            from = ["10.0.0.0/8", "2001:db8::1"]
            [[snmp.user]]
            name = "nms"
            auth = "sha256"
            auth_password = "hush-hush-two"
            priv = "aes128"
            priv_password = "hush-hush-three"
            access = "none"
            [[snmp.view]]
            name = "a-view-whose-name-is-longer-than-the-modules-allow"
            include = ["1.3.6.1.2.1.1", "VITALS-MIB::vitalsCpu"]
            exclude = ["1.3.6.1.2.1.1"]
            [[notify.snmp]]
            name = "by-name"
            target = "udp:nms.example:162"
            community = "hush-four"
            [[notify.snmp]]
            name = "by-address"
            target = "udp:[2001:db8::7]:1162"
            version = "1"
            community = "hush-one"
            [[notify.snmp]]
            name = "by-user"
            target = "udp:192.0.2.1"
            version = "3"
            kind = "inform"
            user = "nms"
            timeout = "1500ms"
        "#;
        let config: Config = toml::from_str(text).expect("a configuration");
        let administration = of(&config, &[0x80, 0, 0, 0, 1]);
        let shown = format!("{administration:?}");
        assert!(!shown.contains("hush"), "{shown}");
        let [by_name, by_address, by_user, first, second] = administration.addresses.as_slice() else {
            panic!("{shown}")
        };
        assert_eq!(by_name.transport, Transport::UdpHost("nms.example:162".into()));
        assert!(matches!(by_address.transport, Transport::Udp(SocketAddr::V6(_))));
        assert_eq!(first.mask, [255, 0, 0, 0, 0, 0]);
        assert_eq!(second.mask[14..], [255, 255, 0, 0]);
        let names: Vec<&str> =
            administration.parameters.iter().map(|parameters| parameters.security_name.as_str()).collect();
        assert_eq!(names, ["by-name", "community-1", "nms"]);
        assert_eq!((by_user.timeout_hundredths, by_user.retries, by_user.tags.as_str()), (150, 3, "informs"));
        assert_eq!(administration.parameters[2].level, SecurityLevel::AuthPriv);
        assert_eq!(administration.notifications.iter().map(|row| row.informs).collect::<Vec<_>>(), [false, true]);
        let user = administration.principals.last().expect("the user");
        assert_eq!((user.level, user.read.as_str(), user.notify.as_str()), (SecurityLevel::AuthPriv, "", "all"));
        assert!(administration.families.iter().all(|family| family.view.len() <= MAX_NAME_OCTETS));
        assert_eq!(
            administration.families.iter().map(|family| family.included).collect::<Vec<_>>(),
            [true, false, true, true]
        );
    }
}
