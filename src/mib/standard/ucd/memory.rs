//! The memory group: RAM and swap in KB, as Integer32 that saturate and as 64-bit twins.

use super::super::Facts;
use crate::collect::memory::Memory;
use crate::mib::Value;
use crate::mib::conventions::kilobytes;
use crate::mib::table::{Group, Reading, Scalar};

/// The memory group.
pub const MEMORY: Group<Facts> = Group {
    oid: &[1, 3, 6, 1, 4, 1, 2021, 4],
    sections: &["memory"],
    scalars: &[
        Scalar { number: 1, name: "memIndex", value: Reading::Fixed(|_| Some(Value::Integer(0))) },
        Scalar { number: 2, name: "memErrorName", value: Reading::Fixed(|_| Some(Value::text("swap"))) },
        Scalar {
            number: 3,
            name: "memTotalSwap",
            value: Reading::Fixed(|facts| memory(facts).map(|memory| memory.swap_total).map(kilobytes)),
        },
        Scalar {
            number: 4,
            name: "memAvailSwap",
            value: Reading::Fixed(|facts| memory(facts).map(|memory| memory.swap_free).map(kilobytes)),
        },
        Scalar {
            number: 5,
            name: "memTotalReal",
            value: Reading::Fixed(|facts| memory(facts).map(|memory| memory.total).map(kilobytes)),
        },
        Scalar {
            number: 6,
            name: "memAvailReal",
            value: Reading::Fixed(|facts| memory(facts).map(|memory| memory.free).map(kilobytes)),
        },
        Scalar {
            number: 11,
            name: "memTotalFree",
            value: Reading::Fixed(|facts| memory(facts).map(free).map(kilobytes)),
        },
        Scalar {
            number: 12,
            name: "memMinimumSwap",
            value: Reading::Fixed(|facts| memory(facts).map(minimum_swap).map(kilobytes)),
        },
        Scalar {
            number: 13,
            name: "memShared",
            value: Reading::Fixed(|facts| memory(facts).and_then(|memory| memory.shared).map(kilobytes)),
        },
        Scalar {
            number: 14,
            name: "memBuffer",
            value: Reading::Fixed(|facts| memory(facts).map(|memory| memory.buffers).map(kilobytes)),
        },
        Scalar {
            number: 15,
            name: "memCached",
            value: Reading::Fixed(|facts| memory(facts).map(cached).map(kilobytes)),
        },
        Scalar {
            number: 18,
            name: "memTotalSwapX",
            value: Reading::Fixed(|facts| memory(facts).map(|memory| memory.swap_total).map(wide)),
        },
        Scalar {
            number: 19,
            name: "memAvailSwapX",
            value: Reading::Fixed(|facts| memory(facts).map(|memory| memory.swap_free).map(wide)),
        },
        Scalar {
            number: 20,
            name: "memTotalRealX",
            value: Reading::Fixed(|facts| memory(facts).map(|memory| memory.total).map(wide)),
        },
        Scalar {
            number: 21,
            name: "memAvailRealX",
            value: Reading::Fixed(|facts| memory(facts).map(|memory| memory.free).map(wide)),
        },
        Scalar { number: 22, name: "memTotalFreeX", value: Reading::Fixed(|facts| memory(facts).map(free).map(wide)) },
        Scalar {
            number: 23,
            name: "memMinimumSwapX",
            value: Reading::Fixed(|facts| memory(facts).map(minimum_swap).map(wide)),
        },
        Scalar {
            number: 24,
            name: "memSharedX",
            value: Reading::Fixed(|facts| memory(facts).and_then(|memory| memory.shared).map(wide)),
        },
        Scalar {
            number: 25,
            name: "memBufferX",
            value: Reading::Fixed(|facts| memory(facts).map(|memory| memory.buffers).map(wide)),
        },
        Scalar { number: 26, name: "memCachedX", value: Reading::Fixed(|facts| memory(facts).map(cached).map(wide)) },
        Scalar {
            number: 27,
            name: "memSysAvail",
            value: Reading::Fixed(|facts| memory(facts).map(|memory| wide(memory.available))),
        },
        Scalar {
            number: 100,
            name: "memSwapError",
            value: Reading::Fixed(|facts| memory(facts).map(|memory| Value::Integer(i32::from(lacks_swap(memory))))),
        },
        Scalar {
            number: 101,
            name: "memSwapErrorMsg",
            value: Reading::Fixed(|facts| {
                let memory = memory(facts)?;
                let told = format!("Running out of swap space ({})", memory.swap_free / 1024);
                Some(Value::text(if lacks_swap(memory) { &told } else { "" }))
            }),
        },
    ],
};

fn memory(facts: &Facts) -> Option<&Memory> {
    facts.section(|snapshot| snapshot.memory.get())
}

/// CounterBasedGauge64 of KB.
fn wide(bytes: u64) -> Value {
    Value::Counter64(bytes / 1024)
}

fn free(memory: &Memory) -> u64 {
    memory.free.saturating_add(memory.swap_free)
}

/// As free(1) and Net-SNMP have it: kernel structures that can be dropped are cache as well.
fn cached(memory: &Memory) -> u64 {
    memory.cached.saturating_add(memory.reclaimable.unwrap_or(0))
}

/// Net-SNMP's own default.
const MINIMUM_SWAP_BYTES: u64 = 16_000 * 1024;

/// A host that was given no swap is not expected to have some free.
fn minimum_swap(memory: &Memory) -> u64 {
    if memory.swap_total == 0 { 0 } else { MINIMUM_SWAP_BYTES }
}

fn lacks_swap(memory: &Memory) -> bool {
    memory.swap_free < minimum_swap(memory)
}
