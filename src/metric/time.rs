//! Time as an argument: the moment that a pure function is told, and the spans of the configuration.

use std::fmt;
use std::time::Duration;

use jiff::Timestamp;
use jiff::fmt::friendly::SpanParser;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// The present, as both clocks have it. Only the edges of the program make one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Now {
    /// The wall clock, which people read and which may jump.
    pub wall: Timestamp,
    /// Time since the agent started, which never jumps.
    pub monotonic: Duration,
}

impl Now {
    /// Seconds since 1970 on the wall clock.
    pub fn unix_seconds(self) -> f64 {
        self.wall.as_duration().as_secs_f64()
    }
}

/// A span of time in the configuration: `10s`, `5m`, `1h`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Interval(pub Duration);

impl Interval {
    /// A span of whole seconds.
    pub const fn seconds(seconds: u64) -> Self {
        Interval(Duration::from_secs(seconds))
    }
}

impl fmt::Display for Interval {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let milliseconds = self.0.as_millis();
        match milliseconds {
            0 => write!(formatter, "0s"),
            _ if milliseconds.is_multiple_of(3_600_000) => write!(formatter, "{}h", milliseconds / 3_600_000),
            _ if milliseconds.is_multiple_of(60_000) => write!(formatter, "{}m", milliseconds / 60_000),
            _ if milliseconds.is_multiple_of(1_000) => write!(formatter, "{}s", milliseconds / 1_000),
            _ => write!(formatter, "{milliseconds}ms"),
        }
    }
}

impl std::str::FromStr for Interval {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        SpanParser::new()
            .parse_unsigned_duration(text)
            .map(Interval)
            .map_err(|_| format!("`{text}` is not a span of time: write it as `10s`, `5m` or `1h`"))
    }
}

impl<'de> Deserialize<'de> for Interval {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

impl Serialize for Interval {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl JsonSchema for Interval {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Interval".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "examples": ["10s"] })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_read_and_print_alike() {
        for text in ["0s", "10s", "5m", "1h", "90s", "250ms"] {
            assert_eq!(text.parse::<Interval>().map(|span| span.to_string()), Ok(text.to_string()));
        }
        assert!("10".parse::<Interval>().is_err());
        assert!("-1s".parse::<Interval>().is_err());
    }
}
