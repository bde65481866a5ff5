//! How JavaScript asks: three functions on numbers, and the module's memory (spec/adr/0076).
//!
//! `room(length)` makes room for a question and says where; JavaScript writes the question there, JSON first and then the bytes it
//! is about; `ask(length of the JSON)` answers it and gives the length of the answer; `answer()` says where the answer lies. There is
//! one engine, one question and one answer at a time: the page's worker asks them one after the other.

use crate::Engine;
use std::sync::{Mutex, MutexGuard, PoisonError};

static ROOM: Mutex<Vec<u8>> = Mutex::new(Vec::new());
static ANSWER: Mutex<Vec<u8>> = Mutex::new(Vec::new());
static ENGINE: Mutex<Engine> = Mutex::new(Engine::new());

fn lock<T>(held: &Mutex<T>) -> MutexGuard<'_, T> {
    // There is one thread, and a panic ends it: nothing is ever poisoned.
    held.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Makes room for a question of so many bytes. Null: there is not so much memory.
#[expect(
    unsafe_code,
    reason = "a name that JavaScript finds; the names are this module's alone"
)]
#[unsafe(no_mangle)]
pub extern "C" fn room(length: usize) -> *mut u8 {
    let mut room = lock(&ROOM);
    *room = Vec::new();
    if room.try_reserve_exact(length).is_err() {
        return std::ptr::null_mut();
    }
    room.resize(length, 0);
    room.as_mut_ptr()
}

/// Answers the question in the room, whose first `json` bytes are JSON. Returns the bytes of the answer.
#[expect(
    unsafe_code,
    reason = "a name that JavaScript finds; the names are this module's alone"
)]
#[unsafe(no_mangle)]
pub extern "C" fn ask(json: usize) -> usize {
    let question = std::mem::take(&mut *lock(&ROOM));
    let mut answer = lock(&ANSWER);
    *answer = match question.split_at_checked(json) {
        Some((json, about)) => lock(&ENGINE).answer(json, about),
        None => lock(&ENGINE).answer(&[], &[]),
    };
    answer.len()
}

/// Where the answer lies, until the next question.
#[expect(
    unsafe_code,
    reason = "a name that JavaScript finds; the names are this module's alone"
)]
#[unsafe(no_mangle)]
pub extern "C" fn answer() -> *const u8 {
    lock(&ANSWER).as_ptr()
}
