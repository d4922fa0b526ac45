//! What the machine is: its maker, model and serial numbers, its board and firmware, its processors' packages.
//!
//! Relies on the kernel's view of SMBIOS (`/sys/class/dmi/id`), and on the device tree where there is one instead, as on
//! ARM. The kernel shows serial numbers and the UUID to root alone: to anybody else they are absent. So are texts with
//! which makers fill fields that they leave open. Memory modules are only in the raw tables, which are not read.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::{DEADLINE, Error, Family, Root, Section};
use crate::metric::{Index, Interval, Label, Metric, Unit};

/// How often, unless the file says otherwise: hardware hardly changes.
pub const INTERVAL: Interval = Interval::seconds(3600);

/// The machine.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Hardware {
    /// The machine as its maker sells it; sys_vendor and product_*, or the device tree's model.
    pub product: Part,
    /// Its board; board_*.
    pub board: Part,
    /// Its case; chassis_*.
    pub chassis: Part,
    /// product_uuid.
    pub uuid: Option<[u8; 16]>,
    /// The firmware's maker; bios_vendor.
    pub firmware_vendor: Option<String>,
    /// The firmware's version; bios_version.
    pub firmware_version: Option<String>,
    /// When the firmware was made, as its maker writes it; bios_date.
    pub firmware_date: Option<String>,
    /// Its processors' packages, in the order of their numbers.
    pub packages: Vec<Package>,
}

/// A part that has a maker.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Part {
    /// Who made it.
    pub vendor: Option<String>,
    /// What its maker calls it.
    pub name: Option<String>,
    /// Its version or revision.
    pub version: Option<String>,
    /// Its serial number; the kernel shows it to root alone.
    pub serial: Option<String>,
    /// What its owner calls it.
    pub asset: Option<String>,
}

impl Part {
    /// Whether anything is known that tells what it is.
    pub fn is_known(&self) -> bool {
        self.vendor.is_some() || self.name.is_some()
    }

    /// Maker and name in one line; `None` where neither is known.
    pub fn title(&self) -> Option<String> {
        let words = [self.vendor.as_deref(), self.name.as_deref()];
        let title = words.into_iter().flatten().collect::<Vec<_>>().join(" ");
        (!title.is_empty()).then_some(title)
    }
}

/// A processor's package: what sits in one socket.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Package {
    /// The kernel's number of it; `physical id`, or physical_package_id.
    pub number: u32,
    /// What its maker calls it; `model name`.
    pub model: Option<String>,
    /// Its maker; `vendor_id`.
    pub vendor: Option<String>,
    /// Cores; `cpu cores`.
    pub cores: Option<u32>,
    /// Processors that the kernel schedules on.
    pub threads: u32,
}

/// The section.
pub static SECTION: Section<Hardware> = Section {
    name: "hardware",
    interval: |config| config.hardware.interval,
    deadline: DEADLINE,
    start: |setup| {
        let root = setup.root.clone();
        Box::new(move |_now| read(&root))
    },
    slot: |snapshot| &mut snapshot.hardware,
    status: |snapshot| &snapshot.hardware.status,
};

/// Reads it below `root`.
#[allow(clippy::unnecessary_wraps, reason = "what a section's reader returns")]
fn read(root: &Root) -> Result<Hardware, Error> {
    let said = |file: &str| root.read_trimmed(format!("sys/class/dmi/id/{file}")).filter(|text| is_said(text));
    let tree = |property: &str| {
        let text = root.read_trimmed(format!("sys/firmware/devicetree/base/{property}"))?;
        let text = text.trim_end_matches('\0').trim();
        is_said(text).then(|| text.to_string())
    };
    let part = |prefix: &str| Part {
        vendor: said(&format!("{prefix}_vendor")),
        name: said(&format!("{prefix}_name")),
        version: said(&format!("{prefix}_version")),
        serial: said(&format!("{prefix}_serial")),
        asset: said(&format!("{prefix}_asset_tag")),
    };
    let product = Part {
        vendor: said("sys_vendor"),
        name: said("product_name").or_else(|| tree("model")),
        serial: said("product_serial").or_else(|| tree("serial-number")),
        ..part("product")
    };
    Ok(Hardware {
        product,
        board: part("board"),
        chassis: part("chassis"),
        uuid: said("product_uuid").and_then(|text| parse_uuid(&text)),
        firmware_vendor: said("bios_vendor"),
        firmware_version: said("bios_version"),
        firmware_date: said("bios_date"),
        packages: packages(&root.read("proc/cpuinfo").unwrap_or_default(), |number| {
            let file = format!("sys/devices/system/cpu/cpu{number}/topology/physical_package_id");
            root.read_number(file)
        }),
    })
}

/// What makers write into fields that they leave open.
const FILLING: &[&str] = &[
    "to be filled by o.e.m.",
    "to be filled by o.e.m",
    "default string",
    "not specified",
    "not applicable",
    "not available",
    "no asset tag",
    "system product name",
    "system manufacturer",
    "system serial number",
    "system version",
    "unknown",
    "none",
    "n/a",
    "o.e.m.",
    "0",
];

fn is_said(text: &str) -> bool {
    let text = text.trim();
    !text.is_empty() && !FILLING.iter().any(|filling| filling.eq_ignore_ascii_case(text))
}

/// The text's 32 digits in the order in which they are written (RFC 9562, section 4). All zeros or all ones are no
/// identifier (SMBIOS, section 7.2.1).
fn parse_uuid(text: &str) -> Option<[u8; 16]> {
    let digits: Vec<u8> = text
        .chars()
        .filter(|character| *character != '-')
        .map(|character| character.to_digit(16).and_then(|digit| u8::try_from(digit).ok()))
        .collect::<Option<_>>()?;
    let octets: Vec<u8> = digits.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]).collect();
    let uuid: [u8; 16] = octets.try_into().ok().filter(|_| digits.len() == 32)?;
    (uuid != [0; 16] && uuid != [0xff; 16]).then_some(uuid)
}

/// The packages that /proc/cpuinfo tells apart: a block a processor. Where it has no `physical id`, `package_of` says it
/// of a processor's number; where that neither, there is one.
fn packages(cpuinfo: &str, package_of: impl Fn(u32) -> Option<u32>) -> Vec<Package> {
    let mut packages: BTreeMap<u32, Package> = BTreeMap::new();
    for block in cpuinfo.split("\n\n") {
        let field = |wanted: &str| {
            let lines = block.lines().filter_map(|line| line.split_once(':'));
            lines.map(|(key, value)| (key.trim(), value.trim())).find(|(key, _)| *key == wanted).map(|(_, value)| value)
        };
        let Some(processor) = field("processor").and_then(|text| text.parse().ok()) else { continue };
        let number = field("physical id").and_then(|text| text.parse().ok()).or_else(|| package_of(processor));
        let number = number.unwrap_or(0);
        let package = packages.entry(number).or_insert_with(|| Package {
            number,
            model: field("model name").filter(|text| is_said(text)).map(String::from),
            vendor: field("vendor_id").filter(|text| is_said(text)).map(String::from),
            cores: field("cpu cores").and_then(|text| text.parse().ok()),
            threads: 0,
        });
        package.threads += 1;
    }
    packages.into_values().collect()
}

fn text(field: Option<&String>) -> Option<Cow<'_, str>> {
    field.map(|field| Cow::Borrowed(field.as_str()))
}

/// What leaves the agent of the machine.
pub static FAMILY: Family<Hardware> = Family {
    section: "hardware",
    subject: "hardware",
    object: "Hw",
    arc: 42,
    help: "The machine itself.",
    exported: true,
    rows: |snapshot, visit| {
        if let Some(hardware) = snapshot.hardware.get() {
            visit(hardware);
        }
    },
    index: Index::Scalar,
    labels: &[
        Label::info(1, "vendor", "Who made the machine.", "/sys/class/dmi/id/sys_vendor", |row: &Hardware| {
            text(row.product.vendor.as_ref())
        }),
        Label::info(
            2,
            "product",
            "The machine's model.",
            "/sys/class/dmi/id/product_name, or the device tree's model",
            |row: &Hardware| text(row.product.name.as_ref()),
        ),
        Label::info(3, "version", "The model's version.", "/sys/class/dmi/id/product_version", |row: &Hardware| {
            text(row.product.version.as_ref())
        }),
        Label::info(
            4,
            "serial",
            "The machine's serial number, which the kernel shows to root alone.",
            "/sys/class/dmi/id/product_serial, or the device tree's serial-number",
            |row: &Hardware| text(row.product.serial.as_ref()),
        ),
        Label::info(5, "board_vendor", "Who made the board.", "/sys/class/dmi/id/board_vendor", |row: &Hardware| {
            text(row.board.vendor.as_ref())
        }),
        Label::info(6, "board", "The board's model.", "/sys/class/dmi/id/board_name", |row: &Hardware| {
            text(row.board.name.as_ref())
        }),
        Label::info(7, "board_version", "The board's version.", "/sys/class/dmi/id/board_version", |row: &Hardware| {
            text(row.board.version.as_ref())
        }),
        Label::info(
            8,
            "board_serial",
            "The board's serial number, which the kernel shows to root alone.",
            "/sys/class/dmi/id/board_serial",
            |row: &Hardware| text(row.board.serial.as_ref()),
        ),
        Label::info(9, "bios_vendor", "Who made the firmware.", "/sys/class/dmi/id/bios_vendor", |row: &Hardware| {
            text(row.firmware_vendor.as_ref())
        }),
        Label::info(
            10,
            "bios_version",
            "The firmware's version.",
            "/sys/class/dmi/id/bios_version",
            |row: &Hardware| text(row.firmware_version.as_ref()),
        ),
        Label::info(
            11,
            "bios_date",
            "When the firmware was made, as its maker writes it.",
            "/sys/class/dmi/id/bios_date",
            |row: &Hardware| text(row.firmware_date.as_ref()),
        ),
        Label::info(
            12,
            "chassis_serial",
            "The case's serial number, which the kernel shows to root alone.",
            "/sys/class/dmi/id/chassis_serial",
            |row: &Hardware| text(row.chassis.serial.as_ref()),
        ),
        Label::info(
            13,
            "asset_tag",
            "What the owner calls the machine.",
            "/sys/class/dmi/id/chassis_asset_tag",
            |row: &Hardware| text(row.chassis.asset.as_ref()),
        ),
    ],
    metrics: &[Metric::gauge(14, "packages", Unit::Count, "Packages of processors.", "/proc/cpuinfo", |row| {
        u64::try_from(row.packages.len()).ok().map(Into::into)
    })],
};

/// What leaves the agent of the processors' packages.
pub static PACKAGES: Family<Package> = Family {
    section: "hardware",
    subject: "cpu_socket",
    object: "Socket",
    arc: 43,
    help: "A package of processors: what sits in one socket.",
    exported: true,
    rows: |snapshot, visit| {
        if let Some(hardware) = snapshot.hardware.get() {
            hardware.packages.iter().for_each(visit);
        }
    },
    // An index is above zero.
    index: Index::Number(|package| package.number.saturating_add(1)),
    labels: &[
        Label::identity(2, "socket", "The kernel's number of it.", "/proc/cpuinfo physical id", |row: &Package| {
            Some(Cow::Owned(row.number.to_string()))
        }),
        Label::info(3, "model", "What its maker calls it.", "/proc/cpuinfo model name", |row: &Package| {
            text(row.model.as_ref())
        }),
        Label::info(4, "vendor", "Who made it.", "/proc/cpuinfo vendor_id", |row: &Package| text(row.vendor.as_ref())),
    ],
    metrics: &[
        Metric::gauge(5, "cores", Unit::Count, "Cores.", "/proc/cpuinfo cpu cores", |row| row.cores.map(Into::into)),
        Metric::gauge(
            6,
            "threads",
            Unit::Count,
            "Processors that the kernel schedules on.",
            "/proc/cpuinfo processor",
            |row| Some(row.threads.into()),
        ),
    ],
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fixture_is_a_whole_machine() {
        let hardware = read(&Root::new("tests/fixtures/root")).expect("a machine");
        assert_eq!(hardware.product.title().as_deref(), Some("Dell Inc. PowerEdge R240"));
        assert_eq!(hardware.product.serial.as_deref(), Some("7XKQ2V2"));
        assert_eq!(hardware.chassis.version, None, "a filling is nothing said");
        assert_eq!(hardware.uuid.map(|uuid| (uuid[0], uuid[15])), Some((0x4c, 0x32)));
        let [package] = &hardware.packages[..] else { panic!("one package: {:?}", hardware.packages) };
        assert_eq!((package.cores, package.threads), (Some(4), 4));
        let nothing = read(&Root::new("/nonexistent")).expect("nothing is no failure");
        assert_eq!(nothing, Hardware::default());
    }

    #[test]
    fn a_device_tree_says_it_where_there_is_no_smbios() {
        let root = tempfile::tempdir().expect("a directory");
        let base = root.path().join("sys/firmware/devicetree/base");
        std::fs::create_dir_all(&base).expect("directories");
        std::fs::write(base.join("model"), "Raspberry Pi 4 Model B Rev 1.4\0").expect("a file");
        std::fs::write(base.join("serial-number"), "10000000abcdef01\0").expect("a file");
        let hardware = read(&Root::new(root.path())).expect("a machine");
        assert_eq!(hardware.product.name.as_deref(), Some("Raspberry Pi 4 Model B Rev 1.4"));
        assert_eq!(hardware.product.serial.as_deref(), Some("10000000abcdef01"));
    }

    #[test]
    fn packages_are_told_apart() {
        let block = |processor: u32, package: &str| format!("processor\t: {processor}\n{package}model name : X\n\n");
        let two = [0, 1, 2, 3].map(|number| block(number, &format!("physical id\t: {}\n", number % 2))).concat();
        let counts = |packages: &[Package]| packages.iter().map(|it| (it.number, it.threads)).collect::<Vec<_>>();
        assert_eq!(counts(&packages(&two, |_| None)), [(0, 2), (1, 2)]);
        let arm = [0, 1].map(|number| block(number, "")).concat();
        assert_eq!(counts(&packages(&arm, |number| Some(number * 3))), [(0, 1), (3, 1)]);
        assert_eq!(counts(&packages(&arm, |_| None)), [(0, 2)]);
        assert_eq!(packages("garbage : x\n\nprocessor : y", |_| None), []);
    }

    #[test]
    fn odd_identifiers_are_none() {
        let wrong = ["", "4c4c4544-0058-4b10-8051-b7c04f56323", "zc4c4544-0058-4b10-8051-b7c04f563232"];
        for text in wrong.into_iter().chain(["00000000-0000-0000-0000-000000000000"]) {
            assert_eq!(parse_uuid(text), None, "{text}");
        }
    }
}
