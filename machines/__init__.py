"""What happens next: pure tables and functions. No I/O, no asyncio, no SQL, no SDK."""
