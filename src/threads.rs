//! Work on several threads. If the system allows no more of them (because of a limit on processes or memory), the work
//! is slower.

use std::panic::resume_unwind;
use std::sync::mpsc::channel;
use std::sync::{Condvar, Mutex, PoisonError};
use std::thread::{Builder, JoinHandle, ScopedJoinHandle, scope};

/// Calls `work` for every item, in parallel if there are threads, and returns the results in order.
///
/// A panic in a thread is resumed in the caller.
pub(crate) fn for_each<T: Send, R: Send>(items: impl IntoIterator<Item = T>, work: impl Fn(T) -> R + Sync) -> Vec<R> {
    // If no thread could be started, the item is still available.
    let items: Vec<Mutex<Option<T>>> = items.into_iter().map(|item| Mutex::new(Some(item))).collect();
    let run = |item: &Mutex<Option<T>>| item.lock().unwrap_or_else(PoisonError::into_inner).take().map(&work);
    let run = &run;
    let (first, others) = items.split_first().map_or((None, &items[..]), |(first, others)| (Some(first), others));
    let others = if has_room_for_threads() { others } else { return items.iter().filter_map(run).collect() };
    let start = &Start::default();
    scope(|scope| {
        let work = |item| {
            Builder::new().spawn_scoped(scope, move || {
                start.wait();
                run(item)
            })
        };
        let threads: Vec<_> = others.iter().map(work).collect();
        start.release(threads.iter().flatten().count(), true);
        let first = first.map(run);
        let others = threads.into_iter().zip(others).map(|(thread, item)| thread.map_or_else(|_| run(item), join));
        first.into_iter().chain(others).flatten().collect()
    })
}

/// The place where threads wait until all have started.
#[derive(Default)]
struct Start {
    /// The number of threads that have started, and the decision whether to work.
    state: Mutex<(usize, Option<bool>)>,
    turn: Condvar,
}

impl Start {
    /// Waits in a thread that has started, and returns whether to work.
    fn wait(&self) -> bool {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.0 += 1;
        self.turn.notify_all();
        let state = self.turn.wait_while(state, |state| state.1.is_none()).unwrap_or_else(PoisonError::into_inner);
        state.1 == Some(true)
    }

    /// Releases `threads` threads, once all of them have started.
    fn release(&self, threads: usize, works: bool) {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let state = self.turn.wait_while(state, |state| state.0 < threads);
        state.unwrap_or_else(PoisonError::into_inner).1 = Some(works);
        self.turn.notify_all();
    }
}

/// Starts a thread, and returns once it has started; `None` if the system allows no more threads.
pub(crate) fn start(thread: Builder, work: impl FnOnce() + Send + 'static) -> Option<JoinHandle<()>> {
    if !has_room_for_threads() {
        return None;
    }
    let (begun, beginning) = channel();
    let work = move || {
        // The receiver waits for it.
        let _ = begun.send(());
        work();
    };
    let thread = thread.spawn(work).ok()?;
    beginning.recv().ok().map(|()| thread)
}

/// Whether there is memory for starting threads. Without it, glibc ends the process in a new thread instead of
/// reporting an error. Nothing is allocated in between, because the work begins when all threads have started.
fn has_room_for_threads() -> bool {
    const ROOM: usize = 256 << 10;
    let mut room = Vec::<u8>::new();
    room.try_reserve_exact(ROOM).is_ok() && std::hint::black_box(room).is_empty()
}

/// Calls `work` on `count` threads at once, which may wait for each other, and returns the results in order of their
/// indexes. Returns `None`, without calling `work`, if the system does not allow that many threads.
///
/// A panic in a thread is resumed in the caller.
pub(crate) fn together<R: Send>(count: usize, work: impl Fn(usize) -> R + Sync) -> Option<Vec<R>> {
    if !has_room_for_threads() {
        return None;
    }
    let start = &Start::default();
    let work = &work;
    scope(|scope| {
        let run = |index| Builder::new().spawn_scoped(scope, move || start.wait().then(|| work(index)));
        let threads: Vec<_> = (1..count).map(run).collect();
        let begun = threads.iter().flatten().count();
        start.release(begun, begun + 1 == count);
        let threads: Vec<_> = threads.into_iter().collect::<Result<_, _>>().ok()?;
        let first = work(0);
        std::iter::once(Some(first)).chain(threads.into_iter().map(join)).collect()
    })
}

fn join<R>(thread: ScopedJoinHandle<'_, R>) -> R {
    thread.join().unwrap_or_else(|panic| resume_unwind(panic))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Barrier;

    #[test]
    fn results_come_in_the_order_of_the_items() {
        assert_eq!(for_each(0..50, |number| number * 2), (0..50).map(|number| number * 2).collect::<Vec<_>>());
        assert!(for_each(std::iter::empty::<u8>(), |number| number).is_empty());
    }

    #[test]
    fn threads_that_run_together_can_meet() {
        let barrier = Barrier::new(4);
        let met = together(4, |index| {
            barrier.wait();
            index
        });
        assert_eq!(met, Some(vec![0, 1, 2, 3]));
        assert_eq!(together(1, |index| index), Some(vec![0]));
    }

    #[test]
    fn a_panic_is_not_lost() {
        let silent = |work: fn()| std::panic::catch_unwind(work).is_err();
        assert!(silent(|| drop(for_each([1, 2], |number| assert!(number < 2)))));
        assert!(silent(|| drop(together(2, |index| assert!(index < 1)))));
    }
}
