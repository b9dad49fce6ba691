//! Work on several threads. A system that gives no more of them (a limit on processes or memory) makes it slower, not
//! wrong.

use std::panic::resume_unwind;
use std::sync::{Condvar, Mutex, PoisonError};
use std::thread::{Builder, ScopedJoinHandle, scope};

/// Runs `work` for every item, side by side as far as there are threads, and returns what it returned, in order.
///
/// A panic of one goes on in the caller.
pub(crate) fn for_each<T: Send, R: Send>(items: impl IntoIterator<Item = T>, work: impl Fn(T) -> R + Sync) -> Vec<R> {
    // Where no thread can be had, the item is still there.
    let items: Vec<Mutex<Option<T>>> = items.into_iter().map(|item| Mutex::new(Some(item))).collect();
    let run = |item: &Mutex<Option<T>>| item.lock().unwrap_or_else(PoisonError::into_inner).take().map(&work);
    let run = &run;
    let (first, others) = items.split_first().map_or((None, &items[..]), |(first, others)| (Some(first), others));
    scope(|scope| {
        let threads: Vec<_> = others.iter().map(|item| Builder::new().spawn_scoped(scope, move || run(item))).collect();
        let first = first.map(run);
        let others = threads.into_iter().zip(others).map(|(thread, item)| thread.map_or_else(|_| run(item), join));
        first.into_iter().chain(others).flatten().collect()
    })
}

/// Runs `work` on so many threads at once, which may wait for each other, and returns what it returned, in order of
/// their indexes; none, and nothing is run, where there are not so many.
///
/// A panic of one goes on in the caller.
pub(crate) fn together<R: Send>(count: usize, work: impl Fn(usize) -> R + Sync) -> Option<Vec<R>> {
    let (start, turn) = (&Mutex::new(None), &Condvar::new());
    let work = &work;
    scope(|scope| {
        let wait = move |index| {
            let start = start.lock().unwrap_or_else(PoisonError::into_inner);
            let start = turn.wait_while(start, |start| start.is_none()).unwrap_or_else(PoisonError::into_inner);
            let does_start = *start == Some(true);
            drop(start);
            does_start.then(|| work(index))
        };
        let threads: Result<Vec<_>, _> =
            (1..count).map(|index| Builder::new().spawn_scoped(scope, move || wait(index))).collect();
        *start.lock().unwrap_or_else(PoisonError::into_inner) = Some(threads.is_ok());
        turn.notify_all();
        let threads = threads.ok()?;
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
