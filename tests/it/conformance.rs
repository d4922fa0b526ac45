//! Standard MIB modules against their own text: net-snmp's parser says which objects there are, of what type and access;
//! a live agent must have them all, and each instance must be of that type.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use crate::agent::{Agent, run, stderr, stdout};
use crate::mib::module_path;

/// A module that is served.
struct Module {
    name: &'static str,
    /// The OID by which sysORTable lists it.
    identity: &'static str,
    /// Where its readable objects are.
    subtrees: &'static [&'static str],
    /// Objects that are not served, each with the reason.
    left_out: &'static [(&'static str, &'static str)],
    /// How the names of objects begin that have no instance.
    empty: &'static [&'static str],
}

impl Module {
    /// Whether an instance below one of its subtrees belongs to another module, one of whose subtrees is within that.
    fn encloses(&self, instance: &str) -> bool {
        let others = MODULES.iter().filter(|other| other.name != self.name).flat_map(|other| other.subtrees);
        let below = |subtree: &str| instance.strip_prefix(subtree).is_some_and(|rest| rest.starts_with('.'));
        let longest = others.filter(|subtree| below(subtree)).map(|subtree| subtree.len()).max();
        longest > self.subtrees.iter().filter(|subtree| below(subtree)).map(|subtree| subtree.len()).max()
    }
}

const MODULES: &[Module] = &[
    Module {
        name: "SNMPv2-MIB",
        identity: "1.3.6.1.6.3.1",
        subtrees: &["1.3.6.1.2.1.1", "1.3.6.1.2.1.11", "1.3.6.1.6.3.1.1.6"],
        left_out: &[],
        empty: &[],
    },
    Module {
        name: "SNMP-FRAMEWORK-MIB",
        identity: "1.3.6.1.6.3.10",
        subtrees: &["1.3.6.1.6.3.10.2"],
        left_out: &[],
        empty: &[],
    },
    Module {
        name: "SNMP-MPD-MIB",
        identity: "1.3.6.1.6.3.11",
        subtrees: &["1.3.6.1.6.3.11.2"],
        left_out: &[],
        empty: &[],
    },
    Module {
        name: "SNMP-TARGET-MIB",
        identity: "1.3.6.1.6.3.12",
        subtrees: &["1.3.6.1.6.3.12.1"],
        left_out: &[],
        empty: &[],
    },
    Module {
        name: "SNMP-NOTIFICATION-MIB",
        identity: "1.3.6.1.6.3.13",
        subtrees: &["1.3.6.1.6.3.13.1"],
        left_out: &[],
        // Filters by severity can't be said in subtrees.
        empty: &["snmpNotifyFilter"],
    },
    Module {
        name: "SNMP-USER-BASED-SM-MIB",
        identity: "1.3.6.1.6.3.15",
        subtrees: &["1.3.6.1.6.3.15.1"],
        left_out: &[],
        empty: &[],
    },
    Module {
        name: "SNMP-VIEW-BASED-ACM-MIB",
        identity: "1.3.6.1.6.3.16",
        subtrees: &["1.3.6.1.6.3.16.1"],
        left_out: &[],
        empty: &[],
    },
    Module {
        name: "SNMP-COMMUNITY-MIB",
        identity: "1.3.6.1.6.3.18",
        subtrees: &["1.3.6.1.6.3.18.1"],
        left_out: &[("snmpCommunityName", "a community is a secret")],
        empty: &[],
    },
    Module {
        name: "HOST-RESOURCES-MIB",
        identity: "1.3.6.1.2.1.25.7.1",
        subtrees: &["1.3.6.1.2.1.25"],
        left_out: &[
            ("hrPrinterStatus", "a spooler knows printers, the kernel doesn't"),
            ("hrPrinterDetectedErrorState", "a spooler knows printers, the kernel doesn't"),
        ],
        empty: &["hrPrinter"],
    },
    Module {
        name: "UCD-SNMP-MIB",
        identity: "1.3.6.1.4.1.2021",
        subtrees: &[
            "1.3.6.1.4.1.2021.2",
            "1.3.6.1.4.1.2021.4",
            "1.3.6.1.4.1.2021.8",
            "1.3.6.1.4.1.2021.9",
            "1.3.6.1.4.1.2021.10",
            "1.3.6.1.4.1.2021.11",
            "1.3.6.1.4.1.2021.15",
            "1.3.6.1.4.1.2021.16",
            "1.3.6.1.4.1.2021.100",
            "1.3.6.1.4.1.2021.101",
            "1.3.6.1.4.1.2021.102",
        ],
        left_out: &[
            ("memTotalSwapTXT", TEXT_PAGES),
            ("memTotalRealTXT", TEXT_PAGES),
            ("memUsedSwapTXT", TEXT_PAGES),
            ("memUsedRealTXT", TEXT_PAGES),
            ("fileIndex", WATCHES),
            ("fileName", WATCHES),
            ("fileSize", WATCHES),
            ("fileMax", WATCHES),
            ("fileErrorFlag", WATCHES),
            ("fileErrorMsg", WATCHES),
            ("logMatchMaxEntries", WATCHES),
            ("logMatchIndex", WATCHES),
            ("logMatchName", WATCHES),
            ("logMatchFilename", WATCHES),
            ("logMatchRegEx", WATCHES),
            ("logMatchGlobalCounter", WATCHES),
            ("logMatchGlobalCount", WATCHES),
            ("logMatchCurrentCounter", WATCHES),
            ("logMatchCurrentCount", WATCHES),
            ("logMatchCounter", WATCHES),
            ("logMatchCount", WATCHES),
            ("logMatchCycle", WATCHES),
            ("logMatchErrorFlag", WATCHES),
            ("logMatchRegExCompilation", WATCHES),
            ("versionDate", "no date is built in, so that equal sources make equal programs"),
            ("mrIndex", "it lists the C modules of snmpd; sysORTable lists what is served"),
            ("mrModuleName", "it lists the C modules of snmpd; sysORTable lists what is served"),
        ],
        // No commands are run for extTable; the others are left out.
        empty: &["ext", "file", "logMatch", "mr"],
    },
    Module {
        name: "UCD-DISKIO-MIB",
        identity: "1.3.6.1.4.1.2021.13.15",
        subtrees: &["1.3.6.1.4.1.2021.13.15"],
        left_out: &[],
        empty: &[],
    },
    Module {
        name: "IF-MIB",
        identity: "1.3.6.1.2.1.31",
        subtrees: &["1.3.6.1.2.1.2", "1.3.6.1.2.1.31"],
        left_out: &[],
        // Deprecated, and nothing is tested here.
        empty: &["ifTest"],
    },
    Module {
        name: "EtherLike-MIB",
        identity: "1.3.6.1.2.1.35",
        subtrees: &["1.3.6.1.2.1.10.7"],
        left_out: &[
            ("dot3StatsSingleCollisionFrames", "the kernel counts collisions, not the frames that had one"),
            ("dot3StatsMultipleCollisionFrames", "the kernel counts collisions, not the frames that had several"),
            ("dot3StatsDeferredTransmissions", "only drivers count them, each in its own words"),
            ("dot3StatsSymbolErrors", "only drivers count them, each in its own words"),
            ("dot3HCStatsSymbolErrors", "only drivers count them, each in its own words"),
            ("dot3CollFrequencies", "the kernel doesn't count frames by their collisions"),
            ("dot3ControlFunctionsSupported", "only a driver says it, by ethtool"),
            ("dot3ControlInUnknownOpcodes", "only drivers count them, each in its own words"),
            ("dot3HCControlInUnknownOpcodes", "only drivers count them, each in its own words"),
            ("dot3PauseAdminMode", "only a driver says it, by ethtool"),
            ("dot3PauseOperMode", "only a driver says it, by ethtool"),
            ("dot3InPauseFrames", "only drivers count them, each in its own words"),
            ("dot3OutPauseFrames", "only drivers count them, each in its own words"),
            ("dot3HCInPauseFrames", "only drivers count them, each in its own words"),
            ("dot3HCOutPauseFrames", "only drivers count them, each in its own words"),
        ],
        empty: &["dot3Coll", "dot3Control", "dot3Pause"],
    },
    Module {
        name: "BRIDGE-MIB",
        identity: "1.3.6.1.2.1.17",
        subtrees: &["1.3.6.1.2.1.17"],
        left_out: &[
            ("dot1dBasePortDelayExceededDiscards", "the kernel doesn't say why a frame was thrown away"),
            ("dot1dBasePortMtuExceededDiscards", "the kernel doesn't say why a frame was thrown away"),
            ("dot1dStpTimeSinceTopologyChange", "the kernel doesn't keep it"),
            ("dot1dStpTopChanges", "the kernel doesn't count them"),
            ("dot1dStpPortForwardTransitions", "the kernel doesn't count them"),
            ("dot1dTpLearnedEntryDiscards", "the kernel doesn't count them"),
            ("dot1dTpPortInDiscards", "the kernel doesn't say why a frame was thrown away"),
            ("dot1dStaticAddress", "a configuration by port of origin, which Linux doesn't have"),
            ("dot1dStaticReceivePort", "a configuration by port of origin, which Linux doesn't have"),
            ("dot1dStaticAllowedToGoTo", "a configuration by port of origin, which Linux doesn't have"),
            ("dot1dStaticStatus", "a configuration by port of origin, which Linux doesn't have"),
        ],
        // The bridge isn't the root of its tree: what it would use as the root isn't told by the kernel.
        empty: &["dot1dStpBridge", "dot1dStatic"],
    },
    Module {
        name: "IP-MIB",
        identity: "1.3.6.1.2.1.48",
        subtrees: &["1.3.6.1.2.1.4", "1.3.6.1.2.1.5"],
        left_out: &[
            ("ipv6ScopeZoneIndex3", "the kernel knows no zones but links"),
            ("ipv6ScopeZoneIndexAdminLocal", "the kernel knows no zones but links"),
            ("ipv6ScopeZoneIndexSiteLocal", "the kernel knows no zones but links"),
            ("ipv6ScopeZoneIndex6", "the kernel knows no zones but links"),
            ("ipv6ScopeZoneIndex7", "the kernel knows no zones but links"),
            ("ipv6ScopeZoneIndexOrganizationLocal", "the kernel knows no zones but links"),
            ("ipv6ScopeZoneIndex9", "the kernel knows no zones but links"),
            ("ipv6ScopeZoneIndexA", "the kernel knows no zones but links"),
            ("ipv6ScopeZoneIndexB", "the kernel knows no zones but links"),
            ("ipv6ScopeZoneIndexC", "the kernel knows no zones but links"),
            ("ipv6ScopeZoneIndexD", "the kernel knows no zones but links"),
            ("ipIfStatsInBcastPkts", "IPv6 has no broadcasts, and IPv4 is not counted on each interface"),
            ("ipIfStatsHCInBcastPkts", "IPv6 has no broadcasts, and IPv4 is not counted on each interface"),
            ("ipIfStatsOutBcastPkts", "IPv6 has no broadcasts, and IPv4 is not counted on each interface"),
            ("ipIfStatsHCOutBcastPkts", "IPv6 has no broadcasts, and IPv4 is not counted on each interface"),
            ("ipv6RouterAdvertSpinLock", "a routing daemon advertises, and not the kernel"),
            ("ipv6RouterAdvertSendAdverts", "a routing daemon advertises, and not the kernel"),
            ("ipv6RouterAdvertMaxInterval", "a routing daemon advertises, and not the kernel"),
            ("ipv6RouterAdvertMinInterval", "a routing daemon advertises, and not the kernel"),
            ("ipv6RouterAdvertManagedFlag", "a routing daemon advertises, and not the kernel"),
            ("ipv6RouterAdvertOtherConfigFlag", "a routing daemon advertises, and not the kernel"),
            ("ipv6RouterAdvertLinkMTU", "a routing daemon advertises, and not the kernel"),
            ("ipv6RouterAdvertReachableTime", "a routing daemon advertises, and not the kernel"),
            ("ipv6RouterAdvertRetransmitTime", "a routing daemon advertises, and not the kernel"),
            ("ipv6RouterAdvertCurHopLimit", "a routing daemon advertises, and not the kernel"),
            ("ipv6RouterAdvertDefaultLifetime", "a routing daemon advertises, and not the kernel"),
            ("ipv6RouterAdvertRowStatus", "a routing daemon advertises, and not the kernel"),
        ],
        // Only netlink tells times.
        empty: &["ipNetToPhysicalLastUpdated", "ipAddressCreated", "ipAddressLastChanged", "ipv6RouterAdvertTable"],
    },
    Module {
        name: "IP-FORWARD-MIB",
        identity: "1.3.6.1.2.1.4.24",
        subtrees: &["1.3.6.1.2.1.4.24"],
        left_out: &[],
        // Obsolete since RFC 2096.
        empty: &["ipForwardTable"],
    },
    Module { name: "TCP-MIB", identity: "1.3.6.1.2.1.49", subtrees: &["1.3.6.1.2.1.6"], left_out: &[], empty: &[] },
    Module { name: "UDP-MIB", identity: "1.3.6.1.2.1.50", subtrees: &["1.3.6.1.2.1.7"], left_out: &[], empty: &[] },
    Module {
        name: "ENTITY-MIB",
        identity: "1.3.6.1.2.1.47",
        subtrees: &["1.3.6.1.2.1.47.1"],
        left_out: &[],
        // There is one naming scope.
        empty: &["entLogical", "entLP"],
    },
    Module {
        name: "ENTITY-SENSOR-MIB",
        identity: "1.3.6.1.2.1.99",
        subtrees: &["1.3.6.1.2.1.99.1"],
        left_out: &[],
        empty: &[],
    },
    Module {
        name: "ENTITY-STATE-MIB",
        identity: "1.3.6.1.2.1.131",
        subtrees: &["1.3.6.1.2.1.131.1"],
        left_out: &[],
        empty: &[],
    },
    Module {
        name: "NET-SNMP-EXTEND-MIB",
        identity: "1.3.6.1.4.1.8072.1.3.1",
        subtrees: &["1.3.6.1.4.1.8072.1.3.2"],
        left_out: &[],
        empty: &[],
    },
    Module {
        name: "LM-SENSORS-MIB",
        identity: "1.3.6.1.4.1.2021.13.16.1",
        subtrees: &["1.3.6.1.4.1.2021.13.16"],
        left_out: &[],
        empty: &[],
    },
];

const TEXT_PAGES: &str = "Linux doesn't tell pages of programs' text from others";

const WATCHES: &str = "snmpd's own watches over files; rules and alarms are ours";

/// Tables of which some rows lack some columns, with the reason.
const PARTIAL: &[(&str, &str)] = &[
    ("hrStorageTable", "only failures to give out memory are counted"),
    ("hrDeviceTable", "processors and NVMe disks count no errors"),
    ("ipSystemStatsTable", "IPv6 has no broadcasts"),
    ("ipAddressPrefixTable", "the files don't tell how long what a router advertised lives"),
    ("entPhySensorTable", "a sensor that can't be read keeps its row"),
    ("lmTempSensorsTable", "a sensor that can't be read keeps its row"),
];

/// An identity of each kind, and a target at each kind of address.
const EVERYTHING: &str = r#"
    [[service]]
    process = { name = "sshd" }
    [[snmp.user]]
    name = "nobody"
    [[snmp.user]]
    name = "nms"
    auth = "sha256"
    auth_password = "correct horse"
    priv = "aes128"
    priv_password = "battery staple"
    view = "system"
    [[notify.snmp]]
    name = "four"
    target = "udp:127.0.0.1:9"
    community = "public"
    [[notify.snmp]]
    name = "six"
    target = "udp:[::1]:9"
    community = "its own"
    version = "1"
    [[notify.snmp]]
    name = "named"
    target = "udp:localhost:9"
    community = "public"
    "#;

/// The engine ID of these agents.
const ENGINE_ID: &str = "8000000004766974616c73";

fn agent() -> Agent {
    let agent = Agent::on_fixture(EVERYTHING);
    let text = std::fs::read_to_string(agent.config()).expect("a file");
    let text = text.replacen("[snmp]\n", &format!("[snmp]\nengine_id = \"{ENGINE_ID}\"\n"), 1);
    std::fs::write(agent.config(), text).expect("a file");
    agent.signal("HUP");
    crate::agent::wait_for("the engine ID", || {
        let got = agent.snmp("snmpget", &["-v2c", "-c", "public", "-Oqvx"], &["1.3.6.1.6.3.10.2.1.1.0"]);
        got.contains("80 00 00 00 04").then_some(())
    });
    agent
}

/// An object as the text of its module has it.
#[derive(Debug)]
struct Object {
    name: String,
    readable: bool,
    /// The base type, in net-snmp's word for it.
    syntax: String,
}

/// The objects below a subtree by their OIDs, from the tree that snmptranslate draws: `+-- -RW- INTEGER name(1)`.
fn objects(module: &str, subtree: &str) -> BTreeMap<String, Object> {
    let output = run(Command::new("snmptranslate").env("MIBDIRS", modules()).args(["-m", module, "-Tp", subtree]));
    let mut path: Vec<String> = Vec::new();
    let mut found = BTreeMap::new();
    for line in stdout(&output).lines() {
        let Some((indent, node)) = line.split_once("+--") else { continue };
        let depth = indent.len() / 3;
        let words: Vec<&str> = node.split_whitespace().collect();
        let named = words.last().expect("a name");
        let (name, arc) = named.trim_end_matches(')').split_once('(').expect("name(number)");
        path.truncate(depth);
        path.push(if depth == 0 { subtree.to_string() } else { arc.to_string() });
        let [access, syntax, _] = words.as_slice() else { continue };
        let readable = access.contains('R') && !access.contains('N');
        let object = Object { name: name.into(), readable, syntax: (*syntax).into() };
        found.insert(path.join("."), object);
    }
    assert!(!found.is_empty(), "{module}: {}", stderr(&output));
    found
}

fn modules() -> String {
    module_path(std::path::Path::new("."))
}

/// The objects of a module that its text calls current; smidump is the one that says it.
fn current(module: &str) -> BTreeSet<String> {
    let output = run(Command::new("smidump").env("SMIPATH", modules()).args(["-k", "-f", "python", module]));
    let text = stdout(&output);
    let (mut name, mut kind, mut found) = ("", "", BTreeSet::new());
    for line in text.lines().map(str::trim) {
        let quoted = |rest: &'static str| line.strip_prefix(rest).and_then(|rest| rest.split('"').next());
        if let Some(start) = line.strip_prefix('"').and_then(|rest| rest.strip_suffix("\" : {")) {
            name = start;
            kind = "";
        } else if let Some(nodetype) = quoted("\"nodetype\" : \"") {
            kind = nodetype;
        } else if quoted("\"status\" : \"") == Some("current") && matches!(kind, "scalar" | "column") {
            found.insert(name.to_string());
        }
    }
    assert!(!found.is_empty(), "{module}: {}", stderr(&output));
    found
}

/// The words that net-snmp's walk may print for a base type.
fn words(syntax: &str) -> &'static [&'static str] {
    match syntax {
        "EnumVal" | "INTEGER" | "Integer32" => &["INTEGER"],
        "String" | "BitString" => &["STRING", "Hex-STRING", "\"\"", "BITS"],
        "ObjID" => &["OID"],
        "Counter" => &["Counter32"],
        "Counter64" => &["Counter64"],
        "Gauge" | "Unsigned" | "UInteger" => &["Gauge32"],
        "TimeTicks" => &["Timeticks"],
        "IpAddr" | "NetAddr" => &["IpAddress"],
        "Opaque" => &["Opaque"],
        other => panic!("a type that this test doesn't know: {other}"),
    }
}

/// The object that an instance belongs to.
fn owner<'a>(objects: &'a BTreeMap<String, Object>, instance: &str) -> Option<(&'a String, &'a Object)> {
    let ends = instance.match_indices('.').map(|(end, _)| &instance[..end]);
    ends.rev().find_map(|prefix| objects.get_key_value(prefix))
}

/// Checks a module; how many current objects that can be read its text has.
fn check(agent: &Agent, module: &Module, faults: &mut Vec<String>) -> usize {
    let current = current(module.name);
    let mut readable = 0;
    for subtree in module.subtrees {
        let objects = objects(module.name, subtree);
        let is_left_out = |name: &str| module.left_out.iter().any(|(left_out, _)| *left_out == name);
        let wanted: BTreeMap<&String, &Object> =
            objects.iter().filter(|(_, object)| object.readable && current.contains(&object.name)).collect();
        readable += wanted.len();
        let walk = agent.snmp("snmpbulkwalk", &["-v2c", "-c", "public"], &[subtree]);
        let mut served = BTreeSet::new();
        for line in walk.lines() {
            let Some((name, value)) = line.strip_prefix('.').and_then(|line| line.split_once(" = ")) else { continue };
            // The end of the whole tree isn't an instance, and neither is a subtree without any.
            if value.starts_with("No more variables") || value.starts_with("No Such") {
                continue;
            }
            // One module may lie within another.
            if module.encloses(name) {
                continue;
            }
            let Some((oid, object)) = owner(&objects, name) else {
                faults.push(format!("{}: {name} is no object of it", module.name));
                continue;
            };
            served.insert(oid.clone());
            let word = value.split(':').next().unwrap_or_default();
            if !words(&object.syntax).contains(&word) {
                faults.push(format!("{}: {} is {}, served as {value}", module.name, object.name, object.syntax));
            }
            if !object.readable || is_left_out(&object.name) {
                faults.push(format!("{}: {} is served", module.name, object.name));
            }
        }
        let probes: Vec<String> = wanted.keys().map(|oid| format!("{oid}.4294967295.1")).collect();
        for (probes, wanted) in probes.chunks(30).zip(wanted.iter().collect::<Vec<_>>().chunks(30)) {
            let probes: Vec<&str> = probes.iter().map(String::as_str).collect();
            let answer = agent.snmp("snmpget", &["-v2c", "-c", "public"], &probes);
            for (line, (oid, object)) in answer.lines().zip(wanted) {
                let known = line.contains("No Such Instance");
                if known == is_left_out(&object.name) {
                    faults.push(format!(
                        "{}: {} is {}registered",
                        module.name,
                        object.name,
                        if known { "" } else { "not " }
                    ));
                }
                let may_be_empty = module.empty.iter().any(|prefix| object.name.starts_with(prefix));
                if known && served.contains(**oid) == may_be_empty {
                    faults.push(format!(
                        "{}: {} has {} instance",
                        module.name,
                        object.name,
                        if may_be_empty { "an" } else { "no" }
                    ));
                }
            }
        }
    }
    for (name, reason) in module.left_out {
        if !current.contains(*name) || reason.is_empty() {
            faults.push(format!("{}: {name} is left out without need or reason", module.name));
        }
    }
    readable
}

/// What of a module is served, for people.
fn describe(module: &Module, readable: usize) -> String {
    let served = readable - module.left_out.len();
    let mut text = format!("\n## {}\n\n{served} of {readable} current objects that can be read", module.name);
    text += &format!(", below {}.\n", module.subtrees.join(", "));
    // One line a reason.
    let mut reasons: Vec<(&str, Vec<&str>)> = Vec::new();
    for (name, reason) in module.left_out {
        match reasons.iter_mut().find(|(known, _)| known == reason) {
            Some((_, names)) => names.push(name),
            None => reasons.push((reason, vec![name])),
        }
    }
    if !reasons.is_empty() {
        text += "\nLeft out:\n\n";
    }
    for (reason, names) in reasons {
        text += &format!("- {}: {reason}\n", names.join(", "));
    }
    text
}

const PAGE: &str = "\
# The standard MIB modules that are served

Held against the modules' own texts, of which `tests/setup` gets them, by `tests/it/conformance.rs`, which also writes this page:
each object has the type of the text, and what is left out is left out with a reason. `vitalsd mib` prints VITALS-MIB itself.
";

#[test]
fn every_module_is_served_as_its_text_says() {
    let agent = agent();
    let mut faults = Vec::new();
    let mut page = PAGE.to_string();
    for module in MODULES {
        let readable = check(&agent, module, &mut faults);
        page += &describe(module, readable);
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    expect_test::expect_file!["../../mibs/modules.md"].assert_eq(&page);
}

/// The tables of a module, by smidump.
fn tables(module: &str) -> Vec<String> {
    let output = run(Command::new("smidump").env("SMIPATH", modules()).args(["-k", "-f", "identifiers", module]));
    let text = stdout(&output);
    let words = text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    words.filter(|words| words.get(2) == Some(&"table")).map(|words| words[1].to_string()).collect()
}

/// With the modules loaded, net-snmp names every instance and notes no wrong type, and every table prints as one.
#[test]
fn every_table_reads_as_a_table() {
    let agent = agent();
    let loaded: Vec<&str> =
        MODULES.iter().map(|module| module.name).chain(["SNMPv2-TM", "TRANSPORT-ADDRESS-MIB"]).collect();
    let tool = |name: &str, options: &[&str], object: &str| {
        let mut command = Command::new(name);
        command.env("MIBDIRS", modules()).args(["-m", &loaded.join(":"), "-v2c", "-c", "public"]).args(options);
        let output = run(command.arg(format!("127.0.0.1:{}", agent.port)).arg(object));
        (stdout(&output), stderr(&output))
    };
    for module in MODULES {
        for subtree in module.subtrees {
            let (walk, notes) = tool("snmpbulkwalk", &[], subtree);
            let named = |line: &str| MODULES.iter().any(|module| line.starts_with(&format!("{}::", module.name)));
            let unnamed = |line: &&str| line.contains(" = ") && !named(line);
            assert_eq!(walk.lines().filter(|line| !line.contains("No more variables")).find(unnamed), None);
            assert!(!walk.contains("Wrong Type") && notes.is_empty(), "{walk}{notes}");
        }
        for table in tables(module.name) {
            // Rows by numbers: snmptable takes two addresses that print alike for the same row.
            let (text, notes) = tool("snmptable", &["-Cw", "200", "-Ob"], &format!("{}::{table}", module.name));
            let may_be_empty = module.empty.iter().any(|prefix| table.starts_with(prefix));
            // A title, an empty line, the columns' names, and rows: that of the default context is an empty line too.
            assert!(text.lines().count() > 3 || may_be_empty, "{table}: {text}{notes}");
            let entry = table.trim_end_matches("Table");
            let left_out = module.left_out.iter().map(|(column, _)| column).chain(module.empty);
            let unknown = left_out.into_iter().any(|column| column.starts_with(entry));
            let unknown = unknown || PARTIAL.iter().any(|(partial, _)| *partial == table);
            assert!(!text.contains(" ? ") || unknown, "a column without values: {text}");
        }
    }
}

#[test]
fn sysortable_lists_every_module() {
    let agent = agent();
    let listed = agent.snmp("snmpbulkwalk", &["-v2c", "-c", "public", "-Oqv"], &["1.3.6.1.2.1.1.9.1.2"]);
    let listed: BTreeSet<&str> = listed.lines().map(|line| line.trim_start_matches('.')).collect();
    let own = ["1.3.6.1.4.1.32473.1"];
    assert_eq!(listed, MODULES.iter().map(|module| module.identity).chain(own).collect());
}
