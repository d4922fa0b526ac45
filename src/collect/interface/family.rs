//! What leaves the agent of each interface.

use std::borrow::Cow;

use super::{DUPLEXES, Interface, STATES};
use crate::collect::Family;
use crate::metric::{Index, Label, Metric, Number, Unit};

/// What leaves the agent.
pub static FAMILY: Family<Interface> = Family {
    section: "interface",
    subject: "interface",
    object: "If",
    arc: 24,
    help: "A network interface.",
    exported: true,
    rows: |snapshot, visit| {
        if let Some(interfaces) = snapshot.interface.get() {
            interfaces.rows.iter().for_each(visit);
        }
    },
    index: Index::Name { key: |row| Cow::Borrowed(&row.name), preferred: |row| row.index },
    labels: &[
        Label::identity(2, "interface", "The kernel's name of the interface.", "/proc/net/dev", |row| {
            Some(Cow::Borrowed(&row.name))
        }),
        Label::info(3, "address", "Hardware address.", "/sys/class/net/*/address", |row| {
            row.address_text().map(Cow::Owned)
        }),
        Label::info(4, "alias", "What the administrator calls it.", "/sys/class/net/*/ifalias", |row| {
            row.alias.as_deref().map(Cow::Borrowed)
        }),
        Label::info(
            29,
            "kind",
            "What the kernel calls its kind, where it is no plain device.",
            "rtnetlink IFLA_INFO_KIND, /sys/class/net/*/uevent",
            |row| row.kind.as_deref().map(Cow::Borrowed),
        ),
        Label::info(30, "master", "The bridge or bond that it is part of.", "/sys/class/net/*/master", |row| {
            row.master.as_deref().map(Cow::Borrowed)
        }),
    ],
    metrics: &[
        Metric::flag(5, "up", "Whether it carries traffic.", "/sys/class/net/*/operstate, flags, carrier", |row| {
            row.up().map(Into::into)
        }),
        Metric::flag(6, "admin_up", "Whether the administrator wants it up.", "/sys/class/net/*/flags", |row| {
            row.admin_up().map(Into::into)
        }),
        Metric::state(7, "state", STATES, "Operational state.", "/sys/class/net/*/operstate", |row| {
            row.state.map(|state| state.number().into())
        }),
        Metric::state(8, "duplex", DUPLEXES, "Duplex.", "/sys/class/net/*/duplex", |row| {
            row.duplex.map(|duplex| (duplex as u32).into())
        }),
        Metric::gauge(
            9,
            "speed_bytes",
            Unit::Bytes,
            "Nominal speed, in bytes per second; absent where it is not known.",
            "/sys/class/net/*/speed",
            |row| row.speed_bytes.map(Into::into),
        ),
        Metric::gauge(10, "mtu_bytes", Unit::Bytes, "The largest packet.", "/sys/class/net/*/mtu", |row| {
            row.mtu.map(Into::into)
        }),
        Metric::gauge(
            11,
            "type",
            Unit::Count,
            "ARP hardware type: 1 is Ethernet, 772 loopback.",
            "/sys/class/net/*/type",
            |row| row.hardware_type.map(Into::into),
        ),
        Metric::counter(
            12,
            "carrier_changes_total",
            Unit::Count,
            "Times that the carrier came or went.",
            "/sys/class/net/*/carrier_changes",
            |row| row.carrier_changes.map(Into::into),
        ),
        traffic(13, "receive_bytes_total", Unit::Bytes, "Bytes received.", |row| Some(row.receive.bytes.into())),
        traffic(14, "receive_packets_total", Unit::Count, "Packets received.", |row| Some(row.receive.packets.into())),
        traffic(15, "receive_errors_total", Unit::Count, "Packets received damaged.", |row| {
            Some(row.receive.errors.into())
        }),
        traffic(16, "receive_drops_total", Unit::Count, "Packets received and dropped.", |row| {
            Some(row.receive.drops.into())
        }),
        traffic(17, "receive_fifo_total", Unit::Count, "Overruns of the receiving buffer.", |row| {
            Some(row.receive.fifo.into())
        }),
        traffic(18, "receive_frame_total", Unit::Count, "Framing errors.", |row| Some(row.receive.frame.into())),
        traffic(19, "receive_compressed_total", Unit::Count, "Compressed packets received.", |row| {
            Some(row.receive.compressed.into())
        }),
        traffic(20, "receive_multicast_total", Unit::Count, "Multicast packets received.", |row| {
            Some(row.receive.multicast.into())
        }),
        traffic(21, "transmit_bytes_total", Unit::Bytes, "Bytes sent.", |row| Some(row.transmit.bytes.into())),
        traffic(22, "transmit_packets_total", Unit::Count, "Packets sent.", |row| Some(row.transmit.packets.into())),
        traffic(23, "transmit_errors_total", Unit::Count, "Packets that could not be sent.", |row| {
            Some(row.transmit.errors.into())
        }),
        traffic(24, "transmit_drops_total", Unit::Count, "Packets dropped instead of sent.", |row| {
            Some(row.transmit.drops.into())
        }),
        traffic(25, "transmit_fifo_total", Unit::Count, "Overruns of the sending buffer.", |row| {
            Some(row.transmit.fifo.into())
        }),
        traffic(26, "transmit_collisions_total", Unit::Count, "Collisions.", |row| {
            Some(row.transmit.collisions.into())
        }),
        traffic(27, "transmit_carrier_total", Unit::Count, "Losses of the carrier while sending.", |row| {
            Some(row.transmit.carrier.into())
        }),
        traffic(28, "transmit_compressed_total", Unit::Count, "Compressed packets sent.", |row| {
            Some(row.transmit.compressed.into())
        }),
        error(
            31,
            "receive_crc_errors_total",
            "Packets received with a wrong checksum.",
            "/sys/class/net/*/statistics/rx_crc_errors",
            |row| row.errors.map(|errors| errors.receive_crc.into()),
        ),
        error(
            32,
            "receive_length_errors_total",
            "Packets received with an invalid length.",
            "/sys/class/net/*/statistics/rx_length_errors",
            |row| row.errors.map(|errors| errors.receive_length.into()),
        ),
        error(
            33,
            "receive_frame_errors_total",
            "Packets received that were no whole octets.",
            "/sys/class/net/*/statistics/rx_frame_errors",
            |row| row.errors.map(|errors| errors.receive_frame.into()),
        ),
        error(
            34,
            "receive_over_errors_total",
            "Packets received that were longer than the buffer.",
            "/sys/class/net/*/statistics/rx_over_errors",
            |row| row.errors.map(|errors| errors.receive_over.into()),
        ),
        error(
            35,
            "receive_missed_errors_total",
            "Packets that the device dropped for want of a buffer.",
            "/sys/class/net/*/statistics/rx_missed_errors",
            |row| row.errors.map(|errors| errors.receive_missed.into()),
        ),
        error(
            36,
            "receive_nohandler_total",
            "Packets received on an inactive device of a bond or the like, and dropped.",
            "/sys/class/net/*/statistics/rx_nohandler",
            |row| row.errors?.receive_nohandler.map(Into::into),
        ),
        error(
            37,
            "transmit_aborted_errors_total",
            "Packets given up after too many collisions.",
            "/sys/class/net/*/statistics/tx_aborted_errors",
            |row| row.errors.map(|errors| errors.transmit_aborted.into()),
        ),
        error(
            38,
            "transmit_carrier_errors_total",
            "Packets not sent for want of a carrier.",
            "/sys/class/net/*/statistics/tx_carrier_errors",
            |row| row.errors.map(|errors| errors.transmit_carrier.into()),
        ),
        error(
            39,
            "transmit_heartbeat_errors_total",
            "Failures of the test of signal quality.",
            "/sys/class/net/*/statistics/tx_heartbeat_errors",
            |row| row.errors.map(|errors| errors.transmit_heartbeat.into()),
        ),
        error(
            40,
            "transmit_window_errors_total",
            "Packets not sent because of a late collision.",
            "/sys/class/net/*/statistics/tx_window_errors",
            |row| row.errors.map(|errors| errors.transmit_window.into()),
        ),
    ],
};

const fn error(
    column: u32,
    name: &'static str,
    help: &'static str,
    source: &'static str,
    read: fn(&Interface) -> Option<Number>,
) -> Metric<Interface> {
    Metric::counter(column, name, Unit::Count, help, source, read)
}

const fn traffic(
    column: u32,
    name: &'static str,
    unit: Unit,
    help: &'static str,
    read: fn(&Interface) -> Option<Number>,
) -> Metric<Interface> {
    Metric::counter(column, name, unit, help, "/proc/net/dev", read)
}
