import { setFlagsFromString } from 'node:v8';

// Imported before anything else, for this effect alone: V8's space for young objects stays as small as it begins. While
// the program starts it would grow by tens of megabytes and never shrink; what is read from sockets doesn't lie there.
setFlagsFromString('--semi-space-growth-factor=1');
