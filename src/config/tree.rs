//! The file as a tree of keys and values that know where they stand, walked beside the schema.
//!
//! Serde stops at its first mistake. Here every unknown key is found and taken out first, then each value that has the
//! wrong type is taken out after it was reported, so that one reading finds all mistakes.

use std::ops::Range;

use serde::Deserialize;
use serde_json::Value;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::{Config, Finding, Level};

/// The schema of the whole file, every reference resolved in place.
pub fn schema() -> Value {
    let settings = schemars::generate::SchemaSettings::default().with(|settings| settings.inline_subschemas = true);
    settings.into_generator().into_root_schema_for::<Config>().to_value()
}

/// The schema of what a table, or an element of an array, may hold: `Option`s are looked through.
pub fn of_kind<'a>(schema: &'a Value, keyword: &str) -> Option<&'a Value> {
    if schema.get(keyword).is_some() {
        return Some(schema);
    }
    schema.get("anyOf")?.as_array()?.iter().find(|option| option.get(keyword).is_some())
}

/// Whether a value is a secret.
pub fn is_secret(schema: &Value) -> bool {
    of_kind(schema, "writeOnly").is_some()
}

/// The names that a value may have, where only some texts are allowed.
pub fn choices(schema: &Value) -> Vec<&str> {
    let lists = ["oneOf", "anyOf"].into_iter().filter_map(|keyword| schema.get(keyword)?.as_array()).flatten();
    let mut names: Vec<&str> = lists.clone().filter_map(|option| option.get("const")?.as_str()).collect();
    for option in lists.chain([schema]) {
        if option.get("enum").is_some() || (option != schema && option.get("oneOf").is_some()) {
            names.extend(option.get("enum").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str));
            names.extend(if option == schema { Vec::new() } else { choices(option) });
        }
    }
    names
}

/// What `schema` takes, in words.
fn expected(schema: &Value) -> String {
    let choices = choices(schema);
    if !choices.is_empty() {
        return format!("one of {}", choices.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", "));
    }
    let of_type = |option: &Value| match option.get("type") {
        Some(Value::Array(types)) => types.first().and_then(Value::as_str).map(str::to_string),
        kind => kind.and_then(Value::as_str).map(str::to_string),
    };
    let options = schema.get("anyOf").and_then(Value::as_array);
    let kind = of_type(schema).or_else(|| options?.iter().find_map(of_type));
    match (kind.as_deref(), of_kind(schema, "examples").and_then(|schema| schema["examples"].get(0))) {
        (_, Some(example)) => format!("a text such as {example}"),
        (Some("string"), _) => "a text in quotes".into(),
        (Some("boolean"), _) => "true or false".into(),
        (Some("integer"), _) => "a whole number".into(),
        (Some("number"), _) => "a number".into(),
        (Some("array"), _) => "a list in brackets".into(),
        (Some("object"), _) => "a table".into(),
        _ => "another value".into(),
    }
}

/// The nearest of `names`, if one is near enough to have been meant.
pub fn nearest<'a>(wanted: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    const NEAR: f64 = 0.7;
    names
        .into_iter()
        .map(|name| (strsim::jaro_winkler(wanted, name), name))
        .filter(|(nearness, _)| *nearness >= NEAR)
        .max_by(|left, right| left.0.total_cmp(&right.0))
        .map(|(_, name)| name)
}

/// `path.name`, or `name` at the top.
fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_string() } else { format!("{path}.{name}") }
}

/// What the walk beside the schema finds.
#[derive(Default)]
pub struct Walk {
    /// Keys that the schema doesn't have.
    pub unknown: Vec<Finding>,
    /// Where secrets stand, and under which key.
    pub secrets: Vec<(String, Range<usize>)>,
}

impl Walk {
    /// Walks a table, reports what the schema doesn't know and takes it out.
    pub fn table(&mut self, table: &mut DeTable<'_>, schema: &Value, path: &str) {
        let Some(known) = of_kind(schema, "properties").and_then(|schema| schema["properties"].as_object()) else {
            return;
        };
        let mut unknown = Vec::new();
        for (key, value) in table.iter_mut() {
            let name = key.get_ref().to_string();
            let path = join(path, &name);
            match known.get(&name) {
                Some(schema) => self.value(value, schema, &path),
                None => {
                    self.report_unknown(&path, &name, key.span(), value.span(), known);
                    unknown.push(name);
                }
            }
        }
        for name in unknown {
            table.remove(name.as_str());
        }
    }

    fn value(&mut self, value: &mut Spanned<DeValue<'_>>, schema: &Value, path: &str) {
        if is_secret(schema) {
            self.secrets.push((path.to_string(), value.span()));
        }
        match value.get_mut() {
            DeValue::Table(table) => self.table(table, schema, path),
            DeValue::Array(elements) => {
                let Some(schema) = of_kind(schema, "items").map(|schema| &schema["items"]) else { return };
                for (place, element) in elements.iter_mut().enumerate() {
                    self.value(element, schema, &format!("{path}[{place}]"));
                }
            }
            _ => {}
        }
    }

    fn report_unknown(
        &mut self,
        path: &str,
        name: &str,
        key: Range<usize>,
        value: Range<usize>,
        known: &serde_json::Map<String, Value>,
    ) {
        let nearest = nearest(name, known.keys().map(String::as_str));
        if nearest.and_then(|name| known.get(name)).is_some_and(is_secret) {
            self.secrets.push((path.to_string(), value));
        }
        let remedy = match nearest {
            Some(nearest) => format!("did you mean `{nearest}`?"),
            None => format!("known here: {}", known.keys().cloned().collect::<Vec<_>>().join(", ")),
        };
        self.unknown.push(Finding {
            level: Level::Error,
            key: path.to_string(),
            span: Some(key),
            message: "no such key".into(),
            remedy,
        });
    }
}

/// Reads the configuration from the tree; each value of a wrong type is reported, taken out, and the rest read again.
/// `None` where a mistake could not be taken out.
pub fn read(tree: &mut Spanned<DeTable<'_>>, schema: &Value, found: &mut Vec<Finding>) -> Option<Config> {
    loop {
        let error = match Config::deserialize(toml::Deserializer::from(tree.clone())) {
            Ok(config) => return Some(config),
            Err(error) => error,
        };
        // Each turn takes out one key, so the loop ends.
        let taken = error.span().and_then(|span| take_out(tree.get_mut(), schema, "", &span));
        let Some((path, span, schema)) = taken else {
            let message = error.message().to_string();
            let remedy = "correct it".into();
            found.push(Finding { level: Level::Error, key: String::new(), span: error.span(), message, remedy });
            return None;
        };
        found.push(mistake(path, span, schema, error.message()));
    }
}

fn mistake(path: String, span: Range<usize>, schema: Option<&Value>, message: &str) -> Finding {
    let secret = schema.is_some_and(is_secret);
    let names = schema.map(choices).unwrap_or_default();
    let wrong = message.split('`').nth(1).unwrap_or_default();
    let remedy = match (nearest(wrong, names.iter().copied()), schema) {
        (Some(name), _) => format!("did you mean `{name}`?"),
        (None, Some(schema)) => {
            let sentence = schema.get("description").and_then(Value::as_str).unwrap_or_default();
            let sentence = sentence.split_whitespace().collect::<Vec<_>>().join(" ");
            format!("write {}. {sentence}", expected(schema)).trim_end().to_string()
        }
        (None, None) => "correct it".into(),
    };
    // Serde's message quotes the value.
    let message = if secret { "not a text".into() } else { in_our_words(message) };
    Finding { level: Level::Error, key: path, span: Some(span), message, remedy }
}

/// Serde's message without the names of Rust's types; what is right is in the remedy.
fn in_our_words(message: &str) -> String {
    let (found, expected) = message.trim_end().split_once(", expected ").unwrap_or((message.trim_end(), ""));
    if let Some(value) = found.strip_prefix("invalid type: ") {
        return format!("the wrong type: {value}");
    }
    match found.strip_prefix("unknown variant ") {
        Some(value) => format!("{value} is not {}", expected.replace(" or ", ", ").replacen('`', "one of `", 1))
            .replace("one of one of", "one of"),
        None => message.trim_end().to_string(),
    }
}

type Taken<'a> = (String, Range<usize>, Option<&'a Value>);

/// Takes out the innermost key whose value, or an element of it, stands at `span`.
fn take_out<'a>(table: &mut DeTable<'_>, schema: &'a Value, path: &str, span: &Range<usize>) -> Option<Taken<'a>> {
    let properties = of_kind(schema, "properties").map(|schema| &schema["properties"]);
    let mut guilty = None;
    for (key, value) in table.iter_mut() {
        let schema = properties.and_then(|properties| properties.get(key.get_ref().as_ref()));
        let path = join(path, key.get_ref());
        if let Some(inner) = schema.and_then(|schema| take_out_of_value(value, schema, &path, span)) {
            return Some(inner);
        }
        let at = value.span();
        if at == *span || key.span() == *span || holds(value, span) {
            let shown = if at.is_empty() { key.span() } else { span.clone() };
            guilty = Some((key.get_ref().to_string(), (path, shown, schema)));
        }
    }
    let (name, taken) = guilty?;
    table.remove(name.as_str());
    Some(taken)
}

fn take_out_of_value<'a>(
    value: &mut Spanned<DeValue<'_>>,
    schema: &'a Value,
    path: &str,
    span: &Range<usize>,
) -> Option<Taken<'a>> {
    match value.get_mut() {
        DeValue::Table(table) => take_out(table, schema, path, span),
        DeValue::Array(elements) => {
            let schema = of_kind(schema, "items").map(|schema| &schema["items"])?;
            elements
                .iter_mut()
                .enumerate()
                .find_map(|(place, element)| take_out_of_value(element, schema, &format!("{path}[{place}]"), span))
        }
        _ => None,
    }
}

/// Whether an element of this list stands at `span`. The whole list goes then, so that places keep their numbers.
fn holds(value: &Spanned<DeValue<'_>>, span: &Range<usize>) -> bool {
    match value.get_ref() {
        DeValue::Array(elements) => elements.iter().any(|element| element.span() == *span || holds(element, span)),
        _ => false,
    }
}

/// Where the value of a key such as `snmp.community[0].name` stands, and `true`; of a key that isn't there, where the
/// nearest table around it begins, and `false`.
pub fn find(tree: &DeTable<'_>, path: &str) -> (Option<Range<usize>>, bool) {
    let mut table = Some(tree);
    let mut span = None;
    for step in path.split('.') {
        let (name, places) = step.split_once('[').unwrap_or((step, ""));
        let Some(mut found) = table.and_then(|table| table.get(name)) else { return (span, false) };
        for place in places.split(['[', ']']).filter_map(|place| place.parse::<usize>().ok()) {
            match found.get_ref() {
                DeValue::Array(elements) if place < elements.len() => found = &elements[place],
                _ => return (span, false),
            }
        }
        span = Some(found.span());
        table = match found.get_ref() {
            DeValue::Table(table) => Some(table),
            _ => None,
        };
    }
    (span, true)
}
