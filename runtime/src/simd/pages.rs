//! Large pages for large arrays.

/// Asks the system to back `storage` with pages of 2 MiB where it can.
///
/// A layer of 4096 × 4096 is 16384 pages of 4 KiB, more than the processor can look up quickly; with large pages its
/// weight gradient and update took 8 to 10 % less time, its forward pass 5 % less (under KVM, where a look-up is dear).
pub(crate) fn prefer_large_pages<T>(storage: &mut [T]) {
    #[cfg(all(target_os = "linux", not(miri)))]
    {
        use rustix::mm::{Advice, madvise};
        const PAGE: usize = 2 << 20;
        let whole = storage.as_mut_ptr_range();
        let skip = (whole.start as usize).next_multiple_of(PAGE) - whole.start as usize;
        let Some(bytes) = size_of_val(storage).checked_sub(skip) else { return };
        let bytes = bytes / PAGE * PAGE;
        if bytes > 0 {
            // SAFETY: these pages lie within `storage`, and the advice does not change what they hold.
            // A system that does not take it is as good as before, only slower.
            let _ = unsafe { madvise(whole.start.wrapping_byte_add(skip).cast(), bytes, Advice::LinuxHugepage) };
        }
    }
    #[cfg(not(all(target_os = "linux", not(miri))))]
    let _ = storage;
}
