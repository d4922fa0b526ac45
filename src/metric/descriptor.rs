//! What one metric is: its name, unit and kind, and the numbers that it may have.

/// A fact's number, exact as the kernel had it. Absence is `None` around it, never zero.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Number {
    /// A counter, a size or a count.
    Unsigned(u64),
    /// A number that may be negative.
    Signed(i64),
    /// A fraction.
    Float(f64),
}

impl Number {
    /// The nearest double, as Prometheus and rules see it.
    #[allow(clippy::cast_precision_loss, reason = "above 2^53 a double is all that these outputs have")]
    pub fn as_f64(self) -> f64 {
        match self {
            Number::Unsigned(number) => number as f64,
            Number::Signed(number) => number as f64,
            Number::Float(number) => number,
        }
    }

    /// The number times ten to the power of `decimals`, rounded, saturating: how SMI carries fractions.
    #[allow(clippy::cast_possible_truncation, reason = "a float to an integer saturates by definition of `as`")]
    pub fn scaled(self, decimals: i8) -> i128 {
        let power = 10_i128.pow(u32::from(decimals.unsigned_abs()));
        match self {
            Number::Unsigned(number) if decimals >= 0 => i128::from(number) * power,
            Number::Unsigned(number) => i128::from(number) / power,
            Number::Signed(number) if decimals >= 0 => i128::from(number) * power,
            Number::Signed(number) => i128::from(number) / power,
            Number::Float(number) => (number * 10_f64.powi(i32::from(decimals))).round() as i128,
        }
    }
}

impl From<u64> for Number {
    fn from(number: u64) -> Self {
        Number::Unsigned(number)
    }
}

impl From<u32> for Number {
    fn from(number: u32) -> Self {
        Number::Unsigned(number.into())
    }
}

impl From<i64> for Number {
    fn from(number: i64) -> Self {
        Number::Signed(number)
    }
}

impl From<f64> for Number {
    fn from(number: f64) -> Self {
        Number::Float(number)
    }
}

impl From<bool> for Number {
    fn from(flag: bool) -> Self {
        Number::Unsigned(flag.into())
    }
}

/// The base unit of a metric. It ends the metric's name and decides how SMI carries the number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// A number of things.
    Count,
    /// A dimensionless mean, such as the load average. SMI: hundredths.
    Average,
    /// A number of whatever unit, fractions and signs included. SMI: thousandths.
    Fraction,
    /// Bytes; of a speed, bytes per second. SMI: a 64-bit gauge.
    Bytes,
    /// A span that may last years. SMI: whole seconds.
    Seconds,
    /// A span of less than 24 days, to the millisecond. SMI: milliseconds.
    ShortSeconds,
    /// A moment, in seconds since 1970. SMI: DateAndTime.
    Timestamp,
    /// A share, 0 to 1. SMI: tenths of a percent.
    Ratio,
    /// Degrees Celsius. SMI: tenths of a degree.
    Celsius,
    /// Volts. SMI: millivolts.
    Volts,
    /// Amperes. SMI: milliamperes.
    Amperes,
    /// Watts. SMI: milliwatts.
    Watts,
    /// Revolutions per minute.
    Rpm,
    /// Hertz. SMI: megahertz.
    Hertz,
}

impl Unit {
    /// What a metric's name ends with (before `_total`), if anything.
    pub const fn suffix(self) -> Option<&'static str> {
        match self {
            Unit::Count | Unit::Average | Unit::Fraction => None,
            Unit::Bytes => Some("bytes"),
            Unit::Seconds | Unit::ShortSeconds => Some("seconds"),
            Unit::Timestamp => Some("timestamp_seconds"),
            Unit::Ratio => Some("ratio"),
            Unit::Celsius => Some("celsius"),
            Unit::Volts => Some("volts"),
            Unit::Amperes => Some("amperes"),
            Unit::Watts => Some("watts"),
            Unit::Rpm => Some("rpm"),
            Unit::Hertz => Some("hertz"),
        }
    }

    /// How many decimal digits SMI's integer carries: the integer is the number times ten to this power.
    pub const fn decimals(self) -> i8 {
        match self {
            Unit::Count | Unit::Bytes | Unit::Seconds | Unit::Timestamp | Unit::Rpm => 0,
            Unit::Average => 2,
            Unit::Celsius => 1,
            Unit::Fraction | Unit::Ratio | Unit::ShortSeconds | Unit::Volts | Unit::Amperes | Unit::Watts => 3,
            Unit::Hertz => -6,
        }
    }
}

/// How a metric's number behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Goes up and down.
    Gauge,
    /// Only rises, from zero at a restart of what is counted. Its name ends in `_total`.
    Counter,
    /// Yes (1) or no (0).
    Flag,
    /// One of these names, numbered from 1 in this order.
    State(&'static [&'static str]),
}

/// What is known of a metric without any row.
#[derive(Debug, Clone, Copy)]
pub struct Descriptor {
    /// Its column in the subject's table of the private MIB; once published, never used for another.
    pub column: u32,
    /// Its name below the subject: `used_bytes` in the subject `filesystem` is `vitals_filesystem_used_bytes`.
    pub name: &'static str,
    /// A label with a fixed value, where several columns are one Prometheus family: `("mode", "user")`.
    pub variant: Option<(&'static str, &'static str)>,
    /// One sentence that says what is measured.
    pub help: &'static str,
    /// The base unit.
    pub unit: Unit,
    /// How the number behaves.
    pub kind: Kind,
    /// Where the number is read, for the documentation: `/proc/meminfo MemTotal`.
    pub source: &'static str,
}
