
using namespace System.Management.Automation
using namespace System.Management.Automation.Language

Register-ArgumentCompleter -Native -CommandName 'aofkit' -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)

    $commandElements = $commandAst.CommandElements
    $command = @(
        'aofkit'
        for ($i = 1; $i -lt $commandElements.Count; $i++) {
            $element = $commandElements[$i]
            if ($element -isnot [StringConstantExpressionAst] -or
                $element.StringConstantType -ne [StringConstantType]::BareWord -or
                $element.Value.StartsWith('-') -or
                $element.Value -eq $wordToComplete) {
                break
        }
        $element.Value
    }) -join ';'

    $completions = @(switch ($command) {
        'aofkit' {
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to colour text')
            [CompletionResult]::new('--progress', '--progress', [CompletionResultType]::ParameterName, 'When to draw a progress bar on standard error')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('check', 'check', [CompletionResultType]::ParameterValue, 'Check logs: whether each is sound, where it is damaged, what a server would do with it')
            [CompletionResult]::new('fix', 'fix', [CompletionResultType]::ParameterValue, 'Repair a damaged log, or take one back, and keep what is removed')
            [CompletionResult]::new('rewrite', 'rewrite', [CompletionResultType]::ParameterValue, 'Write the fewest commands that give the same data as a log')
            [CompletionResult]::new('digest', 'digest', [CompletionResultType]::ParameterValue, 'Print the digest of a log''s data, as DEBUG DIGEST does on a server')
            [CompletionResult]::new('generate', 'generate', [CompletionResultType]::ParameterValue, 'Write the shell completions and the man pages into a directory')
            [CompletionResult]::new('inspect', 'inspect', [CompletionResultType]::ParameterValue, 'Show a log as text or JSON, or parts of it as a log again')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'aofkit;check' {
            [CompletionResult]::new('--server', '--server', [CompletionResultType]::ParameterName, 'Server version to emulate')
            [CompletionResult]::new('-f', '-f', [CompletionResultType]::ParameterName, 'Output format')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'Output format')
            [CompletionResult]::new('--threads', '--threads', [CompletionResultType]::ParameterName, 'Number of threads that read [default: one per core]')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to colour text')
            [CompletionResult]::new('--progress', '--progress', [CompletionResultType]::ParameterName, 'When to draw a progress bar on standard error')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print nothing; only set the exit code')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print nothing; only set the exit code')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'aofkit;fix' {
            [CompletionResult]::new('--assume-db', '--assume-db', [CompletionResultType]::ParameterName, 'Take records for database N where a SELECT may have been lost')
            [CompletionResult]::new('--max-loss', '--max-loss', [CompletionResultType]::ParameterName, 'With --yes, stop rather than lose more than N: bytes (64K, 1M), a percentage (5%) or whole records (100r); by default more than 1 MiB with whole records after the damage')
            [CompletionResult]::new('--copy-to', '--copy-to', [CompletionResultType]::ParameterName, 'Keep what is removed in DIR, which may be on another disk; --undo and --discard-copies look there as well')
            [CompletionResult]::new('--truncate-to-timestamp', '--truncate-to-timestamp', [CompletionResultType]::ParameterName, 'Remove everything from the first #TS: annotation with a later time on: unix seconds, RFC 3339, or a date (UTC)')
            [CompletionResult]::new('--truncate-to-offset', '--truncate-to-offset', [CompletionResultType]::ParameterName, 'Remove everything from this offset of the last part, or of PART, on; it must be where a record begins')
            [CompletionResult]::new('--remove', '--remove', [CompletionResultType]::ParameterName, 'Remove the command at this offset, or the transaction of this MULTI or EXEC, and keep everything after it; several are separated by commas')
            [CompletionResult]::new('--before', '--before', [CompletionResultType]::ParameterName, 'Find the last such command (a name, and arguments if wanted), show what it did, and remove it and everything after it')
            [CompletionResult]::new('--server', '--server', [CompletionResultType]::ParameterName, 'Server version to emulate')
            [CompletionResult]::new('-f', '-f', [CompletionResultType]::ParameterName, 'Output format')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'Output format')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to colour text')
            [CompletionResult]::new('--progress', '--progress', [CompletionResultType]::ParameterName, 'When to draw a progress bar on standard error')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Show what would be removed, and change nothing')
            [CompletionResult]::new('--dry-run', '--dry-run', [CompletionResultType]::ParameterName, 'Show what would be removed, and change nothing')
            [CompletionResult]::new('-y', '-y', [CompletionResultType]::ParameterName, 'Do not ask before the change')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Do not ask before the change')
            [CompletionResult]::new('--salvage', '--salvage', [CompletionResultType]::ParameterName, 'Remove only what is damaged, wherever it is, rather than everything from the first damage on')
            [CompletionResult]::new('--undo', '--undo', [CompletionResultType]::ParameterName, 'Put back what the last fix removed, or the log that the last rewrite replaced')
            [CompletionResult]::new('--list', '--list', [CompletionResultType]::ParameterName, 'With --undo, list the changes that can be undone, and change nothing')
            [CompletionResult]::new('--discard-copies', '--discard-copies', [CompletionResultType]::ParameterName, 'Remove the copies that were kept of what fixes cut off and rewrites replaced')
            [CompletionResult]::new('--keep-nothing', '--keep-nothing', [CompletionResultType]::ParameterName, 'Keep nothing of what is removed: the fix cannot be undone')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print only what was done, or why nothing could be')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print only what was done, or why nothing could be')
            [CompletionResult]::new('--detailed-exit-code', '--detailed-exit-code', [CompletionResultType]::ParameterName, 'Exit with 3 rather than 0 if the log was changed')
            [CompletionResult]::new('--force', '--force', [CompletionResultType]::ParameterName, 'Change the file even if another process has it open for writing, or if that is unknown')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'aofkit;rewrite' {
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Write to FILE, to DIR/ as a log of several parts, or to ''-'' for standard output; a device or FIFO is written to as it is')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Write to FILE, to DIR/ as a log of several parts, or to ''-'' for standard output; a device or FIFO is written to as it is')
            [CompletionResult]::new('--base', '--base', [CompletionResultType]::ParameterName, 'Format of the output, or of the base file of a directory [default: that of PATH; aof to standard output, devices and FIFOs]')
            [CompletionResult]::new('--batch', '--batch', [CompletionResultType]::ParameterName, 'Maximum number of items per command')
            [CompletionResult]::new('--db', '--db', [CompletionResultType]::ParameterName, 'Only database N; can be repeated')
            [CompletionResult]::new('--key', '--key', [CompletionResultType]::ParameterName, 'Only keys that match the pattern, by the rules of KEYS and SCAN; can be repeated')
            [CompletionResult]::new('--drop-expired', '--drop-expired', [CompletionResultType]::ParameterName, 'Leave out keys and fields that had expired at the log''s last time, or at TIME')
            [CompletionResult]::new('--at', '--at', [CompletionResultType]::ParameterName, 'The data as it was at this time: unix seconds, RFC 3339, or a date (UTC)')
            [CompletionResult]::new('--at-offset', '--at-offset', [CompletionResultType]::ParameterName, 'The data as it was when the last part, or PART, had this many bytes')
            [CompletionResult]::new('--unknown', '--unknown', [CompletionResultType]::ParameterName, 'How to handle commands of modules and others that no server knows')
            [CompletionResult]::new('--expired-fields', '--expired-fields', [CompletionResultType]::ParameterName, 'How to treat fields whose expiry has passed: as on the server that wrote the log, or on one that loads it [default: as-written in rewrite, as-loaded in digest]')
            [CompletionResult]::new('--now', '--now', [CompletionResultType]::ParameterName, 'The time of loading, and from which relative expiries count if the log has no #TS: annotation [default: now]')
            [CompletionResult]::new('--threads', '--threads', [CompletionResultType]::ParameterName, 'Number of threads that replay [default: one per core]')
            [CompletionResult]::new('-f', '-f', [CompletionResultType]::ParameterName, 'Output format')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'Output format')
            [CompletionResult]::new('--server', '--server', [CompletionResultType]::ParameterName, 'Server version to write for')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to colour text')
            [CompletionResult]::new('--progress', '--progress', [CompletionResultType]::ParameterName, 'When to draw a progress bar on standard error')
            [CompletionResult]::new('--in-place', '--in-place', [CompletionResultType]::ParameterName, 'Replace the log after asking; the old files are kept until --undo or --discard-copies')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'With --in-place, show what would change, and change nothing')
            [CompletionResult]::new('--dry-run', '--dry-run', [CompletionResultType]::ParameterName, 'With --in-place, show what would change, and change nothing')
            [CompletionResult]::new('-y', '-y', [CompletionResultType]::ParameterName, 'With --in-place, do not ask')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'With --in-place, do not ask')
            [CompletionResult]::new('--undo', '--undo', [CompletionResultType]::ParameterName, 'Put back the log that the last --in-place replaced, or what the last fix cut off')
            [CompletionResult]::new('--discard-copies', '--discard-copies', [CompletionResultType]::ParameterName, 'Remove the copies that were kept of replaced logs and of what fixes cut off')
            [CompletionResult]::new('--force', '--force', [CompletionResultType]::ParameterName, 'Replace FILE if it exists; with --in-place, replace a log even if another process has it open, or if that is unknown')
            [CompletionResult]::new('--no-sync', '--no-sync', [CompletionResultType]::ParameterName, 'With --output, do not sync the new log to disk, unless it replaces a file')
            [CompletionResult]::new('--verify', '--verify', [CompletionResultType]::ParameterName, 'Read the output back and compare the data; --in-place always does')
            [CompletionResult]::new('--allow-loss', '--allow-loss', [CompletionResultType]::ParameterName, 'Write the log even if it cannot hold all of the data')
            [CompletionResult]::new('--sort', '--sort', [CompletionResultType]::ParameterName, 'Sort the keys by name, instead of the order in which they were first written')
            [CompletionResult]::new('--strict', '--strict', [CompletionResultType]::ParameterName, 'Refuse a damaged log, even if a server would truncate and load it')
            [CompletionResult]::new('--skip-damage', '--skip-damage', [CompletionResultType]::ParameterName, 'Skip damaged records, as ''fix --salvage'' removes them')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'aofkit;digest' {
            [CompletionResult]::new('--server', '--server', [CompletionResultType]::ParameterName, 'Server version to emulate')
            [CompletionResult]::new('--db', '--db', [CompletionResultType]::ParameterName, 'Only database N; can be repeated')
            [CompletionResult]::new('--key', '--key', [CompletionResultType]::ParameterName, 'The digest of one key''s value, as DEBUG DIGEST-VALUE prints it; in database 0 unless --db says otherwise')
            [CompletionResult]::new('-f', '-f', [CompletionResultType]::ParameterName, 'Output format: the digest alone, or an object')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'Output format: the digest alone, or an object')
            [CompletionResult]::new('--at', '--at', [CompletionResultType]::ParameterName, 'The data as it was at this time: unix seconds, RFC 3339, or a date (UTC)')
            [CompletionResult]::new('--at-offset', '--at-offset', [CompletionResultType]::ParameterName, 'The data as it was when the last part, or PART, had this many bytes')
            [CompletionResult]::new('--unknown', '--unknown', [CompletionResultType]::ParameterName, 'How to handle commands of modules and others that no server knows')
            [CompletionResult]::new('--expired-fields', '--expired-fields', [CompletionResultType]::ParameterName, 'How to treat fields whose expiry has passed: as on the server that wrote the log, or on one that loads it [default: as-written in rewrite, as-loaded in digest]')
            [CompletionResult]::new('--now', '--now', [CompletionResultType]::ParameterName, 'The time of loading, and from which relative expiries count if the log has no #TS: annotation [default: now]')
            [CompletionResult]::new('--threads', '--threads', [CompletionResultType]::ParameterName, 'Number of threads that replay [default: one per core]')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to colour text')
            [CompletionResult]::new('--progress', '--progress', [CompletionResultType]::ParameterName, 'When to draw a progress bar on standard error')
            [CompletionResult]::new('--strict', '--strict', [CompletionResultType]::ParameterName, 'Refuse a damaged log, even if a server would truncate and load it')
            [CompletionResult]::new('--skip-damage', '--skip-damage', [CompletionResultType]::ParameterName, 'Skip damaged records, as ''fix --salvage'' removes them')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'aofkit;generate' {
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to colour text')
            [CompletionResult]::new('--progress', '--progress', [CompletionResultType]::ParameterName, 'When to draw a progress bar on standard error')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'aofkit;inspect' {
            [CompletionResult]::new('-f', '-f', [CompletionResultType]::ParameterName, 'Output format')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'Output format')
            [CompletionResult]::new('--db', '--db', [CompletionResultType]::ParameterName, 'Only database N; can be repeated')
            [CompletionResult]::new('--key', '--key', [CompletionResultType]::ParameterName, 'Only commands with a key that matches the pattern; can be repeated')
            [CompletionResult]::new('--since', '--since', [CompletionResultType]::ParameterName, 'Only from this time on: unix seconds, RFC 3339, or a date (UTC)')
            [CompletionResult]::new('--until', '--until', [CompletionResultType]::ParameterName, 'Only up to and including this time')
            [CompletionResult]::new('--from', '--from', [CompletionResultType]::ParameterName, 'Only records that start at this byte offset or after it')
            [CompletionResult]::new('--to', '--to', [CompletionResultType]::ParameterName, 'Only records that start before this byte offset')
            [CompletionResult]::new('--part', '--part', [CompletionResultType]::ParameterName, 'Only this file of a log of several parts, history included; can be repeated')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Stop after N records or entries of each PATH')
            [CompletionResult]::new('--limit', '--limit', [CompletionResultType]::ParameterName, 'Stop after N records or entries of each PATH')
            [CompletionResult]::new('--tail', '--tail', [CompletionResultType]::ParameterName, 'Only the last N records or entries of each PATH, of those within --limit')
            [CompletionResult]::new('--command', '--command', [CompletionResultType]::ParameterName, 'Only this command, in any case; can be repeated')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to colour text')
            [CompletionResult]::new('--progress', '--progress', [CompletionResultType]::ParameterName, 'When to draw a progress bar on standard error')
            [CompletionResult]::new('--full', '--full', [CompletionResultType]::ParameterName, 'In text, print long values and argument lists in full')
            [CompletionResult]::new('--follow', '--follow', [CompletionResultType]::ParameterName, 'Keep reading as the log grows, across rewrites, until interrupted')
            [CompletionResult]::new('--skip-damage', '--skip-damage', [CompletionResultType]::ParameterName, 'Skip damaged records, as ''fix --salvage'' removes them')
            [CompletionResult]::new('--decode', '--decode', [CompletionResultType]::ParameterName, 'Decode the payloads of RESTORE commands, and print the values')
            [CompletionResult]::new('--skip-rdb', '--skip-rdb', [CompletionResultType]::ParameterName, 'Leave out RDB entries')
            [CompletionResult]::new('--count', '--count', [CompletionResultType]::ParameterName, 'Only print the number of records and entries')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'aofkit;help' {
            [CompletionResult]::new('check', 'check', [CompletionResultType]::ParameterValue, 'Check logs: whether each is sound, where it is damaged, what a server would do with it')
            [CompletionResult]::new('fix', 'fix', [CompletionResultType]::ParameterValue, 'Repair a damaged log, or take one back, and keep what is removed')
            [CompletionResult]::new('rewrite', 'rewrite', [CompletionResultType]::ParameterValue, 'Write the fewest commands that give the same data as a log')
            [CompletionResult]::new('digest', 'digest', [CompletionResultType]::ParameterValue, 'Print the digest of a log''s data, as DEBUG DIGEST does on a server')
            [CompletionResult]::new('generate', 'generate', [CompletionResultType]::ParameterValue, 'Write the shell completions and the man pages into a directory')
            [CompletionResult]::new('inspect', 'inspect', [CompletionResultType]::ParameterValue, 'Show a log as text or JSON, or parts of it as a log again')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'aofkit;help;check' {
            break
        }
        'aofkit;help;fix' {
            break
        }
        'aofkit;help;rewrite' {
            break
        }
        'aofkit;help;digest' {
            break
        }
        'aofkit;help;generate' {
            break
        }
        'aofkit;help;inspect' {
            break
        }
        'aofkit;help;help' {
            break
        }
    })

    $completions.Where{ $_.CompletionText -like "$wordToComplete*" } |
        Sort-Object -Property ListItemText
}
