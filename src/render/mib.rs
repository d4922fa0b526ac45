//! VITALS-MIB as SMIv2 text (RFC 2578 to 2580), with the site's root filled in.
//!
//! Rendered from the same families that the agent serves, so that the text can't promise what isn't there. Its judges
//! are smilint, pysmi and net-snmp's parser.

use std::collections::BTreeSet;
use std::fmt::Write;

use crate::health::notification::{NOTIFICATIONS, Notification};
use crate::metric::{Descriptor, Shape};
use crate::mib::families;
use crate::mib::oid::Oid;
use crate::mib::smi::{self, Syntax};
use crate::mib::vitals::object_name;

/// The date of the module's last change, as SMIv2 writes dates.
const LAST_UPDATED: &str = "202611240000Z";

/// The whole text.
pub fn text(root: &Oid) -> String {
    let shapes: Vec<&Shape> = families::all().iter().map(families::Source::shape).collect();
    let mut out = String::from("VITALS-MIB DEFINITIONS ::= BEGIN\n\n");
    imports(root, &shapes, &mut out);
    identity(root, &mut out);
    conventions(&shapes, &mut out);
    for shape in &shapes {
        if shape.scalar {
            scalars(shape, &mut out);
        } else {
            table(shape, &mut out);
        }
    }
    notifications(&shapes, &mut out);
    conformance(&shapes, &mut out);
    out.push_str("END\n");
    out
}

/// One accessible object.
struct Object {
    name: String,
    column: u32,
    syntax: Syntax,
    units: Option<&'static str>,
    description: String,
}

fn objects(shape: &Shape) -> Vec<Object> {
    let labels = shape.labels.iter().map(|label| Object {
        name: object_name(shape, label.name, None),
        column: label.column,
        syntax: Syntax::Text,
        units: None,
        description: format!("{} Source: {}.", label.help, label.source),
    });
    let metrics = shape.metrics.iter().map(|metric| Object {
        name: metric_object(shape, metric),
        column: metric.column,
        syntax: smi::syntax(metric),
        units: smi::units(metric),
        description: description(shape, metric),
    });
    let mut objects: Vec<Object> = labels.chain(metrics).collect();
    objects.sort_by_key(|object| object.column);
    objects
}

fn metric_object(shape: &Shape, metric: &Descriptor) -> String {
    object_name(shape, metric.name, metric.variant.map(|(_, value)| value))
}

fn description(shape: &Shape, metric: &Descriptor) -> String {
    let variant = metric.variant.map(|(label, value)| format!(" This object: {label} {value}.")).unwrap_or_default();
    let prometheus = shape.metric_name(metric);
    format!("{}{variant} Source: {}. In Prometheus: {prometheus}.", metric.help, metric.source)
}

fn imports(root: &Oid, shapes: &[&Shape], out: &mut String) {
    let syntaxes: Vec<Syntax> = shapes.iter().flat_map(|shape| objects(shape)).map(|object| object.syntax).collect();
    let uses = |wanted: Syntax| syntaxes.contains(&wanted);
    let bases: BTreeSet<&str> = used_conventions(shapes).map(|(_, base, _, _)| *base).collect();
    let mut smi = vec!["MODULE-IDENTITY", "OBJECT-TYPE", "NOTIFICATION-TYPE", "Integer32"];
    if uses(Syntax::Counter64) {
        smi.push("Counter64");
    }
    if uses(Syntax::Gauge32) || bases.contains("Gauge32") {
        smi.push("Gauge32");
    }
    if root.arcs().starts_with(ENTERPRISES) {
        smi.push("enterprises");
    }
    let mut conventions = vec!["TEXTUAL-CONVENTION"];
    if uses(Syntax::Truth) {
        conventions.push("TruthValue");
    }
    if uses(Syntax::DateAndTime) {
        conventions.push("DateAndTime");
    }
    let mut lines = vec![
        format!("    {}\n        FROM SNMPv2-SMI", smi.join(", ")),
        format!("    {}\n        FROM SNMPv2-TC", conventions.join(", ")),
        "    MODULE-COMPLIANCE, OBJECT-GROUP, NOTIFICATION-GROUP\n        FROM SNMPv2-CONF".to_string(),
    ];
    if uses(Syntax::Text) {
        lines.push("    SnmpAdminString\n        FROM SNMP-FRAMEWORK-MIB".to_string());
    }
    if uses(Syntax::Gauge64) {
        lines.push("    CounterBasedGauge64\n        FROM HCNUM-TC".to_string());
    }
    let _ = write!(out, "IMPORTS\n{};\n\n", lines.join("\n"));
}

const ENTERPRISES: &[u32] = &[1, 3, 6, 1, 4, 1];

fn identity(root: &Oid, out: &mut String) {
    // Each arc of the root has a name of its own: linters want every node named.
    let (mut parent, named) = if root.arcs().starts_with(ENTERPRISES) {
        ("enterprises".to_string(), ENTERPRISES.len())
    } else {
        ("iso".to_string(), 1)
    };
    let below = root.arcs().get(named..).unwrap_or_default();
    let (last, between) = below.split_last().unwrap_or((&1, &[]));
    let mut arcs = String::new();
    for (place, arc) in between.iter().enumerate() {
        let name = format!("vitalsRoot{}", place + 1);
        let _ = writeln!(arcs, "{name} OBJECT IDENTIFIER ::= {{ {parent} {arc} }}");
        parent = name;
    }
    let _ = write!(
        out,
        "vitals MODULE-IDENTITY
    LAST-UPDATED \"{LAST_UPDATED}\"
    ORGANIZATION \"vitalsd\"
    CONTACT-INFO
        \"The operator of this agent; see sysContact.\"
    DESCRIPTION
        \"The health of a sensor appliance: its hardware, system, services
        and alarms, and the health of the agent itself.\"
    REVISION \"{LAST_UPDATED}\"
    DESCRIPTION
        \"The first version.\"
    ::= {{ {parent} {last} }}

{arcs}
vitalsNotifications OBJECT IDENTIFIER ::= {{ vitals 0 }}
vitalsObjects OBJECT IDENTIFIER ::= {{ vitals 1 }}
vitalsConformance OBJECT IDENTIFIER ::= {{ vitals 2 }}
vitalsProducts OBJECT IDENTIFIER ::= {{ vitals 3 }}
vitalsAgent OBJECT IDENTIFIER ::= {{ vitalsProducts 1 }}

"
    );
}

fn used_conventions(
    shapes: &[&Shape],
) -> impl Iterator<Item = &'static (&'static str, &'static str, i8, &'static str)> {
    let used: BTreeSet<&str> = shapes
        .iter()
        .flat_map(|shape| objects(shape))
        .filter_map(|object| if let Syntax::Scaled(name) = object.syntax { Some(name) } else { None })
        .collect();
    smi::CONVENTIONS.iter().filter(move |(name, ..)| used.contains(name))
}

fn conventions(shapes: &[&Shape], out: &mut String) {
    for (name, base, decimals, help) in used_conventions(shapes) {
        let _ = write!(
            out,
            "{name} ::= TEXTUAL-CONVENTION
    DISPLAY-HINT \"d-{decimals}\"
    STATUS current
    DESCRIPTION
        \"{help}\"
    SYNTAX {base}

"
        );
    }
}

fn scalars(shape: &Shape, out: &mut String) {
    let group = node(shape);
    let _ = write!(out, "{group} OBJECT IDENTIFIER ::= {{ vitalsObjects {} }}\n\n", shape.arc);
    for object in objects(shape) {
        object_type(&object, &group, out);
    }
}

/// The name of a family's own node.
fn node(shape: &Shape) -> String {
    format!("vitals{}", shape.object)
}

fn table(shape: &Shape, out: &mut String) {
    let node = node(shape);
    let entry = format!("Vitals{}Entry", shape.object);
    let objects = objects(shape);
    let columns: Vec<String> = std::iter::once(format!("    {node}Index Integer32"))
        .chain(objects.iter().map(|object| format!("    {} {}", object.name, syntax_name(object.syntax))))
        .collect();
    let _ = write!(
        out,
        "{node}Table OBJECT-TYPE
    SYNTAX SEQUENCE OF {entry}
    MAX-ACCESS not-accessible
    STATUS current
    DESCRIPTION
{}
    ::= {{ vitalsObjects {} }}

{node}Entry OBJECT-TYPE
    SYNTAX {entry}
    MAX-ACCESS not-accessible
    STATUS current
    DESCRIPTION
{}
    INDEX {{ {node}Index }}
    ::= {{ {node}Table 1 }}

{entry} ::= SEQUENCE {{
{}
}}

{node}Index OBJECT-TYPE
    SYNTAX Integer32 (1..2147483647)
    MAX-ACCESS not-accessible
    STATUS current
    DESCRIPTION
        \"The row's number, which stays the row's own.\"
    ::= {{ {node}Entry 1 }}

",
        quoted(&format!("A row for each: {}", shape.help)),
        shape.arc,
        quoted(shape.help),
        columns.join(",\n"),
    );
    for object in objects {
        object_type(&object, &format!("{node}Entry"), out);
    }
}

fn object_type(object: &Object, parent: &str, out: &mut String) {
    let units = object.units.map(|units| format!("    UNITS \"{units}\"\n")).unwrap_or_default();
    let _ = write!(
        out,
        "{} OBJECT-TYPE
    SYNTAX {}
{units}    MAX-ACCESS read-only
    STATUS current
    DESCRIPTION
{}
    ::= {{ {parent} {} }}

",
        object.name,
        syntax_text(object.syntax),
        quoted(&object.description),
        object.column,
    );
}

fn syntax_name(syntax: Syntax) -> &'static str {
    match syntax {
        Syntax::Text => "SnmpAdminString",
        Syntax::Truth => "TruthValue",
        Syntax::Enumeration(_) => "INTEGER",
        Syntax::Counter64 => "Counter64",
        Syntax::Gauge64 => "CounterBasedGauge64",
        Syntax::Gauge32 => "Gauge32",
        Syntax::DateAndTime => "DateAndTime",
        Syntax::Seconds => "Integer32",
        Syntax::Scaled(name) => name,
    }
}

fn syntax_text(syntax: Syntax) -> String {
    let Syntax::Enumeration(names) = syntax else { return syntax_name(syntax).to_string() };
    let numbers: Vec<String> =
        (1..).zip(names).map(|(number, name)| format!("{}({number})", identifier(name))).collect();
    format!("INTEGER {{ {} }}", numbers.join(", "))
}

/// `not_present` as SMI names it: `notPresent`.
fn identifier(name: &str) -> String {
    let mut upper = false;
    name.chars()
        .filter_map(|character| {
            if matches!(character, '_' | '-') {
                upper = true;
                return None;
            }
            Some(if std::mem::take(&mut upper) { character.to_ascii_uppercase() } else { character })
        })
        .collect()
}

/// A text in quotes, wrapped and indented. SMI has no way to write a double quote inside.
fn quoted(text: &str) -> String {
    const WIDTH: usize = 68;
    let mut lines = vec![String::new()];
    for word in text.replace('"', "'").split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.is_empty() => line.push_str(word),
            Some(line) if line.len() + 1 + word.len() <= WIDTH => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_string()),
        }
    }
    format!("        \"{}\"", lines.join("\n        "))
}

fn notifications(shapes: &[&Shape], out: &mut String) {
    for notification in NOTIFICATIONS {
        let objects = alarm_objects(shapes, notification).join(", ");
        let objects = if objects.is_empty() { objects } else { format!("    OBJECTS {{ {objects} }}\n") };
        let _ = write!(
            out,
            "{} NOTIFICATION-TYPE
{objects}    STATUS current
    DESCRIPTION
{}
    ::= {{ vitalsNotifications {} }}

",
            notification_name(notification),
            quoted(notification.help),
            notification.arc,
        );
    }
}

fn notification_name(notification: &Notification) -> String {
    format!("vitals{}", notification.object)
}

/// The columns of the alarm table that a notification carries, in its order.
fn alarm_objects(shapes: &[&Shape], notification: &Notification) -> Vec<String> {
    let Some(alarm) = shapes.iter().find(|shape| shape.subject == "alarm") else { return Vec::new() };
    let objects = objects(alarm);
    let named = |column: &u32| objects.iter().find(|object| object.column == *column).map(|object| object.name.clone());
    notification.columns.iter().filter_map(named).collect()
}

fn conformance(shapes: &[&Shape], out: &mut String) {
    out.push_str(
        "vitalsGroups OBJECT IDENTIFIER ::= { vitalsConformance 1 }
vitalsCompliances OBJECT IDENTIFIER ::= { vitalsConformance 2 }

vitalsCompliance MODULE-COMPLIANCE
    STATUS current
    DESCRIPTION
        \"What an agent of this module serves.\"
    MODULE
        MANDATORY-GROUPS { vitalsNotificationGroup }
",
    );
    for shape in shapes {
        let _ = write!(
            out,
            "        GROUP {}
        DESCRIPTION
            \"Instances are there where the machine has the facts.\"
",
            group(shape)
        );
    }
    out.push_str("    ::= { vitalsCompliances 1 }\n\n");
    for shape in shapes {
        let names: Vec<String> = objects(shape).iter().map(|object| format!("        {}", object.name)).collect();
        let _ = write!(
            out,
            "{} OBJECT-GROUP
    OBJECTS {{
{}
    }}
    STATUS current
    DESCRIPTION
{}
    ::= {{ vitalsGroups {} }}

",
            group(shape),
            names.join(",\n"),
            quoted(shape.help),
            shape.arc,
        );
    }
    let names: Vec<String> = NOTIFICATIONS.iter().map(notification_name).collect();
    let _ = write!(
        out,
        "vitalsNotificationGroup NOTIFICATION-GROUP
    NOTIFICATIONS {{ {} }}
    STATUS current
    DESCRIPTION
        \"What the agent sends of its own accord.\"
    ::= {{ vitalsGroups 1000 }}

",
        names.join(", ")
    );
}

fn group(shape: &Shape) -> String {
    format!("{}Group", node(shape))
}
