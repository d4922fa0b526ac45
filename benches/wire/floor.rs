//! The floor: the least that any agent on UDP could do. A batch is received, the tag of each PDU is turned from
//! GetRequest into Response, and the batch is sent. No request is read, no value looked up.
//!
//! It runs as a process of its own, so that its CPU time is its own; one thread, until its standard input ends, which it
//! does with the program that started it.

use std::io::{self, IoSlice, IoSliceMut, Read, Write};
use std::net::UdpSocket;
use std::os::fd::AsRawFd;

use nix::errno::Errno;
use nix::sys::socket::{MsgFlags, MultiHeaders, SockaddrStorage, recvmmsg, sendmmsg};

use super::packets::Reader;

/// As many as the agent takes in one call.
const BATCH: usize = 32;

/// Serves; says its port on standard output first.
pub fn run() -> io::Result<()> {
    let socket = UdpSocket::bind("127.0.0.1:0")?;
    writeln!(io::stdout(), "{}", socket.local_addr()?.port())?;
    std::thread::spawn(|| {
        let _ = io::stdin().read_to_end(&mut Vec::new());
        std::process::exit(0);
    });
    let descriptor = socket.as_raw_fd();
    let mut buffers = vec![[0_u8; 2048]; BATCH];
    let mut received = MultiHeaders::<SockaddrStorage>::preallocate(BATCH, None);
    let mut sending = MultiHeaders::<SockaddrStorage>::preallocate(BATCH, None);
    let mut from: Vec<Option<SockaddrStorage>> = Vec::with_capacity(BATCH);
    let mut lengths: Vec<usize> = Vec::with_capacity(BATCH);
    loop {
        from.clear();
        lengths.clear();
        {
            let mut slices: Vec<[IoSliceMut; 1]> = buffers.iter_mut().map(|buffer| [IoSliceMut::new(buffer)]).collect();
            match recvmmsg(descriptor, &mut received, slices.iter_mut(), MsgFlags::MSG_WAITFORONE, None) {
                Ok(messages) => {
                    for message in messages {
                        from.push(message.address);
                        lengths.push(message.bytes);
                    }
                }
                Err(Errno::EINTR | Errno::ECONNREFUSED) => continue,
                Err(errno) => return Err(errno.into()),
            }
        }
        for (buffer, length) in buffers.iter_mut().zip(&lengths) {
            turn_into_response(&mut buffer[..*length]);
        }
        let answers: Vec<[IoSlice; 1]> =
            buffers.iter().zip(&lengths).map(|(buffer, length)| [IoSlice::new(&buffer[..*length])]).collect();
        match sendmmsg(descriptor, &mut sending, &answers, &from, [], MsgFlags::empty()) {
            Ok(_) | Err(Errno::EINTR | Errno::ECONNREFUSED) => {}
            Err(errno) => return Err(errno.into()),
        }
    }
}

/// Passes version and community, and changes the tag behind them.
fn turn_into_response(datagram: &mut [u8]) {
    let length = datagram.len();
    let left = |datagram: &[u8]| {
        let (_, content) = Reader(datagram).element()?;
        let mut message = Reader(content);
        message.element()?;
        message.element()?;
        Some(message.0.len())
    };
    if let Some(left) = left(datagram)
        && let Some(tag) = datagram.get_mut(length - left)
    {
        *tag = 0xa2;
    }
}
