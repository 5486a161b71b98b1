# Console.
