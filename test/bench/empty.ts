// An empty program: the reference that start-up times are compared with.
export {};
