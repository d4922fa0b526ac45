//! SNMP-TARGET-MIB (RFC 3413, section 4.1): where notifications go and how; also the networks from which communities
//! are accepted (RFC 3584, section 5.2.1).

use std::net::{IpAddr, SocketAddr};

use super::{Address, Administration, Parameters, Transport, storage};
use crate::mib::conventions::{ACTIVE, UNMOVED_LOCK, identifier, integer};
use crate::mib::index::Index;
use crate::mib::table::{Column, Group, Module, Reading, Rows, Scalar, Table};
use crate::mib::value::Value;

/// SNMP-TARGET-MIB.
pub static TARGET: Module<Administration> = Module {
    name: "SNMP-TARGET-MIB",
    identity: &[1, 3, 6, 1, 6, 3, 12],
    sentence: "The MIB for SNMP targets (RFC 3413).",
    groups: &[Group {
        oid: &[1, 3, 6, 1, 6, 3, 12, 1],
        sections: &[],
        scalars: &[Scalar { number: 1, name: "snmpTargetSpinLock", value: Reading::Fixed(|_| Some(UNMOVED_LOCK)) }],
    }],
    tables: &[&ADDRESSES, &PARAMETERS],
};

/// snmpUDPDomain (RFC 3417), which means UDP over IPv4 and is known more widely than transportDomainUdpIpv4.
const UDP_DOMAIN: &[u32] = &[1, 3, 6, 1, 6, 1, 1];
/// transportDomainUdpIpv6 (RFC 3419).
const UDP_IPV6_DOMAIN: &[u32] = &[1, 3, 6, 1, 2, 1, 100, 1, 2];
/// transportDomainUdpDns (RFC 3419): a name is shown as a name, as its address is only known at each sending.
const UDP_DNS_DOMAIN: &[u32] = &[1, 3, 6, 1, 2, 1, 100, 1, 14];

impl Transport {
    fn domain(&self) -> &'static [u32] {
        match self {
            Transport::Udp(SocketAddr::V4(_)) => UDP_DOMAIN,
            Transport::Udp(SocketAddr::V6(_)) => UDP_IPV6_DOMAIN,
            Transport::UdpHost(_) => UDP_DNS_DOMAIN,
        }
    }

    /// Address and port in network order, or `name:port`.
    fn octets(&self) -> Vec<u8> {
        match self {
            Transport::UdpHost(name_and_port) => name_and_port.as_bytes().to_vec(),
            Transport::Udp(address) => {
                let mut octets = match address.ip() {
                    IpAddr::V4(address) => address.octets().to_vec(),
                    IpAddr::V6(address) => address.octets().to_vec(),
                };
                octets.extend(address.port().to_be_bytes());
                octets
            }
        }
    }
}

impl Rows for Address {
    type Source = Administration;
    type Row<'a> = &'a Address;
}

static ADDRESSES: Table<Address> = Table {
    entry: &[1, 3, 6, 1, 6, 3, 12, 1, 2, 1],
    sections: &[],
    rows: |administration| administration.addresses.iter().collect(),
    index: |address| Index::new().bare_octets(address.name.as_bytes()),
    columns: &[
        Column {
            number: 2,
            name: "snmpTargetAddrTDomain",
            value: |address| Some(identifier(address.transport.domain())),
        },
        Column {
            number: 3,
            name: "snmpTargetAddrTAddress",
            value: |address| Some(Value::OctetString(address.transport.octets())),
        },
        Column { number: 4, name: "snmpTargetAddrTimeout", value: |address| Some(integer(address.timeout_hundredths)) },
        Column {
            number: 5,
            name: "snmpTargetAddrRetryCount",
            value: |address| Some(integer(address.retries.min(255))),
        },
        Column { number: 6, name: "snmpTargetAddrTagList", value: |address| Some(Value::text(&address.tags)) },
        Column { number: 7, name: "snmpTargetAddrParams", value: |address| Some(Value::text(&address.parameters)) },
        Column { number: 8, name: "snmpTargetAddrStorageType", value: |_| Some(storage(false)) },
        Column { number: 9, name: "snmpTargetAddrRowStatus", value: |_| Some(ACTIVE) },
    ],
};

impl Rows for Parameters {
    type Source = Administration;
    type Row<'a> = &'a Parameters;
}

static PARAMETERS: Table<Parameters> = Table {
    entry: &[1, 3, 6, 1, 6, 3, 12, 1, 3, 1],
    sections: &[],
    rows: |administration| administration.parameters.iter().collect(),
    index: |parameters| Index::new().bare_octets(parameters.name.as_bytes()),
    columns: &[
        Column {
            number: 2,
            name: "snmpTargetParamsMPModel",
            value: |parameters| Some(integer(parameters.model.processing())),
        },
        Column {
            number: 3,
            name: "snmpTargetParamsSecurityModel",
            value: |parameters| Some(integer(parameters.model.number())),
        },
        Column {
            number: 4,
            name: "snmpTargetParamsSecurityName",
            value: |parameters| Some(Value::text(&parameters.security_name)),
        },
        Column {
            number: 5,
            name: "snmpTargetParamsSecurityLevel",
            value: |parameters| Some(integer(parameters.level.number())),
        },
        Column { number: 6, name: "snmpTargetParamsStorageType", value: |_| Some(storage(false)) },
        Column { number: 7, name: "snmpTargetParamsRowStatus", value: |_| Some(ACTIVE) },
    ],
};
