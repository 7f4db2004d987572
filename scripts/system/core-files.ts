import { writeFileSync } from 'node:fs';

/**
 * A core file of this process, or of a child, holds no memory that was written to: no secret, no row. Linux's filter is
 * better than a limit of 0 bytes, which is not asked where a program such as systemd-coredump takes the core, and
 * children inherit it (core(5)). Elsewhere, and in a container that may not, nothing changes.
 */
export function keepMemoryOutOfCoreFiles(): void {
  try {
    writeFileSync('/proc/self/coredump_filter', '0');
  } catch {
    // No such file, or not ours to write.
  }
}
