//! systemStats: processors, interrupts, paging; as counters since boot, and as means since the collection before.

use super::super::Facts;
use crate::collect::cpu::Cpu;
use crate::collect::memory::{Memory, PagingRates};
use crate::mib::Value;
use crate::mib::conventions::{counter32, integer, integer64, percent, whole};
use crate::mib::table::{Group, Reading, Scalar};

/// systemStats.
pub const STATISTICS: Group<Facts> = Group {
    oid: &[1, 3, 6, 1, 4, 1, 2021, 11],
    sections: &["cpu", "memory"],
    scalars: &[
        Scalar { number: 1, name: "ssIndex", value: Reading::Fixed(|_| Some(Value::Integer(1))) },
        Scalar { number: 2, name: "ssErrorName", value: Reading::Fixed(|_| Some(Value::text("systemStats"))) },
        Scalar {
            number: 3,
            name: "ssSwapIn",
            value: Reading::Fixed(|facts| paging_rates(facts).map(|rates| rate(rates.swapped_in, KILOBYTE))),
        },
        Scalar {
            number: 4,
            name: "ssSwapOut",
            value: Reading::Fixed(|facts| paging_rates(facts).map(|rates| rate(rates.swapped_out, KILOBYTE))),
        },
        Scalar {
            number: 5,
            name: "ssIOSent",
            value: Reading::Fixed(|facts| paging_rates(facts).map(|rates| rate(rates.written, BLOCK))),
        },
        Scalar {
            number: 6,
            name: "ssIOReceive",
            value: Reading::Fixed(|facts| paging_rates(facts).map(|rates| rate(rates.read, BLOCK))),
        },
        Scalar {
            number: 7,
            name: "ssSysInterrupts",
            value: Reading::Fixed(|facts| cpu(facts)?.rates.map(|[interrupts, _]| rate(interrupts, 1.0))),
        },
        Scalar {
            number: 8,
            name: "ssSysContext",
            value: Reading::Fixed(|facts| cpu(facts)?.rates.map(|[_, switches]| rate(switches, 1.0))),
        },
        Scalar {
            number: 9,
            name: "ssCpuUser",
            value: Reading::Fixed(|facts| cpu(facts)?.recent.map(|recent| percent(recent.user + recent.nice))),
        },
        Scalar {
            number: 10,
            name: "ssCpuSystem",
            value: Reading::Fixed(|facts| cpu(facts)?.recent.map(|recent| percent(recent.system))),
        },
        Scalar {
            number: 11,
            name: "ssCpuIdle",
            value: Reading::Fixed(|facts| cpu(facts)?.recent.map(|recent| percent(recent.idle))),
        },
        Scalar { number: 50, name: "ssCpuRawUser", value: Reading::Fixed(|facts| Some(ticks(cpu(facts)?.time.user))) },
        Scalar { number: 51, name: "ssCpuRawNice", value: Reading::Fixed(|facts| Some(ticks(cpu(facts)?.time.nice))) },
        Scalar {
            number: 52,
            name: "ssCpuRawSystem",
            value: Reading::Fixed(|facts| Some(ticks(cpu(facts)?.time.system))),
        },
        Scalar { number: 53, name: "ssCpuRawIdle", value: Reading::Fixed(|facts| Some(ticks(cpu(facts)?.time.idle))) },
        Scalar {
            number: 54,
            name: "ssCpuRawWait",
            value: Reading::Fixed(|facts| Some(ticks(cpu(facts)?.time.iowait))),
        },
        // Linux doesn't tell it from ssCpuRawSystem; managers add the two.
        Scalar {
            number: 55,
            name: "ssCpuRawKernel",
            value: Reading::Fixed(|facts| cpu(facts).map(|_| Value::Counter32(0))),
        },
        Scalar {
            number: 56,
            name: "ssCpuRawInterrupt",
            value: Reading::Fixed(|facts| Some(ticks(cpu(facts)?.time.irq))),
        },
        Scalar {
            number: 57,
            name: "ssIORawSent",
            value: Reading::Fixed(|facts| memory(facts)?.paging.map(|paging| blocks(paging.written))),
        },
        Scalar {
            number: 58,
            name: "ssIORawReceived",
            value: Reading::Fixed(|facts| memory(facts)?.paging.map(|paging| blocks(paging.read))),
        },
        Scalar {
            number: 59,
            name: "ssRawInterrupts",
            value: Reading::Fixed(|facts| cpu(facts)?.interrupts.map(counter32)),
        },
        Scalar {
            number: 60,
            name: "ssRawContexts",
            value: Reading::Fixed(|facts| cpu(facts)?.context_switches.map(counter32)),
        },
        Scalar {
            number: 61,
            name: "ssCpuRawSoftIRQ",
            value: Reading::Fixed(|facts| Some(ticks(cpu(facts)?.time.softirq))),
        },
        Scalar {
            number: 62,
            name: "ssRawSwapIn",
            value: Reading::Fixed(|facts| memory(facts)?.paging.map(|paging| counter32(paging.swapped_in))),
        },
        Scalar {
            number: 63,
            name: "ssRawSwapOut",
            value: Reading::Fixed(|facts| memory(facts)?.paging.map(|paging| counter32(paging.swapped_out))),
        },
        Scalar {
            number: 64,
            name: "ssCpuRawSteal",
            value: Reading::Fixed(|facts| Some(ticks(cpu(facts)?.time.steal))),
        },
        Scalar {
            number: 65,
            name: "ssCpuRawGuest",
            value: Reading::Fixed(|facts| cpu(facts)?.guests.map(|[user, _]| ticks(user))),
        },
        Scalar {
            number: 66,
            name: "ssCpuRawGuestNice",
            value: Reading::Fixed(|facts| cpu(facts)?.guests.map(|[_, nice]| ticks(nice))),
        },
        Scalar {
            number: 67,
            name: "ssCpuNumCpus",
            value: Reading::Fixed(|facts| u32::try_from(cpu(facts)?.cores.len()).ok().map(integer)),
        },
    ],
};

/// Blocks of ssIOSent and its kin, in bytes.
const BLOCK: f64 = 512.0;

/// KB, in bytes.
const KILOBYTE: f64 = 1024.0;

fn cpu(facts: &Facts) -> Option<&Cpu> {
    facts.section(|snapshot| snapshot.cpu.get())
}

fn memory(facts: &Facts) -> Option<&Memory> {
    facts.section(|snapshot| snapshot.memory.get())
}

fn paging_rates(facts: &Facts) -> Option<PagingRates> {
    memory(facts)?.paging_rates
}

/// Per second, in such units.
fn rate(per_second: f64, unit: f64) -> Value {
    integer64(whole(per_second / unit, 0))
}

/// Hundredths of a second: the kernel's ticks to programs on every machine that there is.
fn ticks(seconds: f64) -> Value {
    counter32(whole(seconds, 2))
}

/// Of KiB, blocks of 512 bytes.
fn blocks(kibibytes: u64) -> Value {
    counter32(kibibytes.saturating_mul(2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_the_kernels_and_wrap() {
        assert_eq!(ticks(6_353.96), Value::Counter32(635_396));
        assert_eq!(ticks(42_949_672.99), Value::Counter32(3));
        assert_eq!((ticks(-1.0), ticks(f64::NAN)), (Value::Counter32(0), Value::Counter32(0)));
        assert_eq!(rate(1e30, 1.0), Value::Integer(i32::MAX));
    }
}
