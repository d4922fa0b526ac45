//! SNMP-FRAMEWORK-MIB (RFC 3411, section 5): the snmpEngine group; and SNMP-MPD-MIB (RFC 3412, section 6): snmpMPDStats.

use super::Administration;
use crate::mib::conventions::integer;
use crate::mib::segment::LiveObject;
use crate::mib::table::{Group, Module, Reading, Scalar};
use crate::mib::value::Value;

/// SNMP-FRAMEWORK-MIB.
pub static FRAMEWORK: Module<Administration> = Module {
    name: "SNMP-FRAMEWORK-MIB",
    identity: &[1, 3, 6, 1, 6, 3, 10],
    sentence: "The SNMP Management Architecture MIB (RFC 3411).",
    groups: &[Group {
        oid: &[1, 3, 6, 1, 6, 3, 10, 2, 1],
        sections: &[],
        scalars: &[
            Scalar {
                number: 1,
                name: "snmpEngineID",
                value: Reading::Fixed(|administration| Some(Value::OctetString(administration.engine_id.clone()))),
            },
            Scalar { number: 2, name: "snmpEngineBoots", value: Reading::Live(LiveObject::EngineBoots) },
            Scalar { number: 3, name: "snmpEngineTime", value: Reading::Live(LiveObject::EngineTime) },
            Scalar {
                number: 4,
                name: "snmpEngineMaxMessageSize",
                value: Reading::Fixed(|administration| Some(integer(administration.max_message_size))),
            },
        ],
    }],
    tables: &[],
};

/// SNMP-MPD-MIB: counters only.
pub static DISPATCHER: Module<Administration> = Module {
    name: "SNMP-MPD-MIB",
    identity: &[1, 3, 6, 1, 6, 3, 11],
    sentence: "The MIB for Message Processing and Dispatching (RFC 3412).",
    groups: &[Group { oid: &[1, 3, 6, 1, 6, 3, 11, 2, 1], sections: &[], scalars: &[] }],
    tables: &[],
};
