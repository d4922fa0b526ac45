//! BER, the writing half: definite lengths, shortest forms (RFC 3417, section 8). Reading is the engine's.

/// INTEGER.
pub const INTEGER: u8 = 0x02;
/// OCTET STRING.
pub const OCTET_STRING: u8 = 0x04;
/// NULL.
pub const NULL: u8 = 0x05;
/// OBJECT IDENTIFIER.
pub const OBJECT_IDENTIFIER: u8 = 0x06;
/// SEQUENCE.
pub const SEQUENCE: u8 = 0x30;
/// IpAddress.
pub const IP_ADDRESS: u8 = 0x40;
/// Counter32.
pub const COUNTER32: u8 = 0x41;
/// Gauge32 and Unsigned32.
pub const GAUGE32: u8 = 0x42;
/// TimeTicks.
pub const TIME_TICKS: u8 = 0x43;
/// Opaque.
pub const OPAQUE: u8 = 0x44;
/// Counter64.
pub const COUNTER64: u8 = 0x46;
/// The exception noSuchObject.
pub const NO_SUCH_OBJECT: u8 = 0x80;
/// The exception noSuchInstance.
pub const NO_SUCH_INSTANCE: u8 = 0x81;
/// The exception endOfMibView.
pub const END_OF_MIB_VIEW: u8 = 0x82;

/// Appends a length in its shortest form.
pub fn push_length(length: usize, out: &mut Vec<u8>) {
    match u8::try_from(length) {
        Ok(short) if short < 0x80 => out.push(short),
        _ => {
            let bytes = length.to_be_bytes();
            let skipped = bytes.iter().take_while(|&&byte| byte == 0).count();
            let significant = bytes.get(skipped..).unwrap_or_default();
            out.push(0x80 | u8::try_from(significant.len()).unwrap_or(0));
            out.extend_from_slice(significant);
        }
    }
}

/// Appends a signed integer in its shortest form.
pub fn push_integer(tag: u8, number: i64, out: &mut Vec<u8>) {
    push_shortest(tag, false, number.to_be_bytes(), out);
}

/// Appends an unsigned number in its shortest form, with the leading zero that keeps it positive.
pub fn push_unsigned(tag: u8, number: u64, out: &mut Vec<u8>) {
    push_shortest(tag, number >> 63 == 1, number.to_be_bytes(), out);
}

fn push_shortest(tag: u8, leading_zero: bool, bytes: [u8; 8], out: &mut Vec<u8>) {
    let mut start = 0;
    if !leading_zero {
        while start < 7 && matches!((bytes[start], bytes[start + 1] >> 7), (0, 0) | (0xff, 1)) {
            start += 1;
        }
    }
    let significant = &bytes[start..];
    out.push(tag);
    out.push(u8::try_from(significant.len() + usize::from(leading_zero)).unwrap_or(9));
    if leading_zero {
        out.push(0);
    }
    out.extend_from_slice(significant);
}

/// Appends octets under a tag.
pub fn push_octets(tag: u8, octets: &[u8], out: &mut Vec<u8>) {
    out.push(tag);
    push_length(octets.len(), out);
    out.extend_from_slice(octets);
}
